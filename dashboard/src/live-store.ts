import type { LivePool, LiveSnapshot } from '../../src/monitor/live-feed.js';
import type { LivePoint } from '../../src/monitor/live-points.js';
import { client, isRefused, type OptionalProcedure, optional } from './connection.js';

/** `stale`: what is shown is old. `locked`: the server wants a token, or another one. */
export type Link = 'connecting' | 'live' | 'stale' | 'locked' | 'blocked';

export interface Breaker {
  readonly pool: string | null;
  readonly name: string;
  readonly state: 'closed' | 'open' | 'half-open' | 'isolated';
  readonly inStateForMs: number;
  readonly nextProbeInMs: number | null;
  readonly reason: string | null;
  readonly failures: number;
  readonly refused: number;
  readonly transitions: Readonly<Record<string, number>>;
}

export interface BreakerChange {
  readonly at: number;
  readonly breaker: string;
  readonly from: string;
  readonly to: string;
}

/** What is shown. A new object whenever anything has changed. */
export interface View {
  readonly link: Link;
  /** When the last message came, by this clock. */
  readonly heardAt: number | undefined;
  readonly now: number;
  readonly snapshot: LiveSnapshot | undefined;
  readonly points: ReadonlyMap<string, readonly LivePoint[]>;
  readonly mayAct: boolean;
  /** Undefined while the server has none to tell of. */
  readonly breakers: readonly Breaker[] | undefined;
  readonly breakerChanges: readonly BreakerChange[];
  readonly cache: unknown;
}

const POINTS_KEPT = 900;
const STALE_AFTER_MS = 3_500;
const POLL_MS = 1_000;

/** Listens to the server, and remembers. */
export class LiveStore {
  #view: View = {
    link: 'connecting',
    heardAt: undefined,
    now: Date.now(),
    snapshot: undefined,
    points: new Map(),
    mayAct: false,
    breakers: undefined,
    breakerChanges: [],
    cache: undefined,
  };
  readonly #listeners = new Set<() => void>();
  #stop: () => void = () => undefined;
  /** What the server offers. */
  #procedures: readonly string[] = [];

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): View => this.#view;

  start(): void {
    this.#connect();
    setInterval(() => void this.#check(), POLL_MS);
  }

  /** After a change of the token. */
  reconnect(): void {
    this.#stop();
    this.#change({ link: 'connecting', heardAt: undefined, mayAct: false });
    this.#connect();
  }

  #connect(): void {
    const subscription = client.monitoring.live.subscribe(undefined, {
      onData: ({ data }) => this.#take(data),
      onError: () => void this.#whyNot(),
      onConnectionStateChange: ({ state }) => {
        if (state === 'connecting' && this.#view.link !== 'connecting') void this.#whyNot();
      },
    });
    this.#stop = () => subscription.unsubscribe();
    void client.monitoring.capabilities.query().then(
      ({ mayAct, procedures }) => {
        this.#procedures = procedures;
        this.#change({ mayAct });
      },
      () => void this.#whyNot(),
    );
  }

  /** The client tries again by itself unless it was refused. */
  async #whyNot(): Promise<void> {
    const refused = await isRefused();
    if (refused === 'token') this.#change({ link: 'locked' });
    else if (refused === 'blocked') this.#change({ link: 'blocked' });
  }

  #take(snapshot: LiveSnapshot): void {
    const points = new Map(snapshot.pools.map((pool) => [pool.name, this.#grown(pool)]));
    this.#change({ link: 'live', heardAt: Date.now(), now: Date.now(), snapshot, points });
  }

  #grown({ name, points }: LivePool): readonly LivePoint[] {
    const known = this.#view.points.get(name) ?? [];
    const last = known.at(-1)?.at ?? 0;
    const all = [...known, ...points.filter(({ at }) => at > last)];
    return all.length > POINTS_KEPT ? all.slice(-POINTS_KEPT) : all;
  }

  async #check(): Promise<void> {
    const now = Date.now();
    const { heardAt, link } = this.#view;
    const isOld = heardAt !== undefined && now - heardAt > STALE_AFTER_MS;
    this.#change(isOld && link === 'live' ? { now, link: 'stale' } : { now });
    if (isOld || link !== 'live') {
      // Given up by the client, or on its way back: a refused one must be started anew.
      if (heardAt !== undefined && now - heardAt > 15_000 && link === 'stale') this.reconnect();
      return;
    }
    await Promise.all([this.#poll('circuitBreakers'), this.#poll('cacheStats')]);
  }

  async #poll(procedure: OptionalProcedure): Promise<void> {
    if (!this.#procedures.includes(procedure)) return;
    const answer = await optional(procedure).catch(() => undefined);
    if (answer === undefined) return;
    if (procedure === 'cacheStats') this.#change({ cache: answer });
    else this.#takeBreakers((answer as { readonly breakers: readonly Breaker[] }).breakers);
  }

  #takeBreakers(breakers: readonly Breaker[]): void {
    const before = new Map(this.#view.breakers?.map((breaker) => [breaker.name, breaker.state]));
    const changes = breakers
      .filter(({ name, state }) => before.has(name) && before.get(name) !== state)
      .map(({ name, state, inStateForMs }) => ({
        at: Date.now() - inStateForMs,
        breaker: name,
        from: before.get(name) as string,
        to: state,
      }));
    this.#change({ breakers, breakerChanges: [...changes, ...this.#view.breakerChanges].slice(0, 50) });
  }

  #change(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}
