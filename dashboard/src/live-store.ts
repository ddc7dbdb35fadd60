/** The state of the page: the feed of the chosen process, its points, and whether the link is live. */

import type { LivePool, LiveSnapshot } from '../../src/monitor/live/index.js';
import type { LivePoint } from '../../src/monitor/points/index.js';
import type { PeerReport, ProcessReport } from '../../src/monitor/peers/index.js';
import { type Incident, MOST_INCIDENTS, type PoolVerdict, verdictOn } from '../../src/monitor/verdict/index.js';
import { type Client, clientOf, type Process, refusalOf } from './connection.js';

/**
 * `stale`: what is shown is old. `locked`: the server wants a token, or another one. `refused`: the chosen process needs a different token than
 * the server has.
 */
export type Link = 'connecting' | 'live' | 'stale' | 'locked' | 'blocked' | 'refused';

/** The process that sent this page, and the others that its server knows of. */
export interface Processes {
  readonly own: ProcessReport;
  readonly peers: readonly PeerReport[];
}

/** What is shown. A new object whenever anything has changed. */
export interface View {
  readonly link: Link;
  /** When the last message came, by this clock. */
  readonly heardAt: number | undefined;
  readonly now: number;
  readonly snapshot: LiveSnapshot | undefined;
  readonly points: ReadonlyMap<string, readonly LivePoint[]>;
  /** The incidents of each pool, the last one first. */
  readonly incidents: ReadonlyMap<string, readonly Incident[]>;
  readonly mayAct: boolean;
  /** Whether the process keeps more of the past than it sends by itself: an older one does not. */
  readonly keepsHistory: boolean;
  /** The one that is shown. */
  readonly process: Process;
  /** Asks that one. */
  readonly client: Client;
  readonly processes: Processes | undefined;
}

/** The verdict on a pool, with the past that this page knows. */
export function verdictIn({ points, incidents, snapshot }: View, pool: LivePool): PoolVerdict {
  const past = { points: points.get(pool.name) ?? [], incidents: incidents.get(pool.name) ?? [] };
  return verdictOn(pool, past, snapshot?.at ?? 0);
}

/** Ten minutes and a little; what is older is asked for. */
const POINTS_KEPT = 660;
const STALE_AFTER_MS = 3_500;
const CHECK_MS = 1_000;
const TRY_AGAIN_MS = 2_000;
/** How long a server blocks an address that sent wrong tokens. */
const BLOCKED_MS = 60_000;
const ASK_FOR_PEERS_MS = 2_000;
/** Where there are none there may be some after a restart. */
const LOOK_FOR_PEERS_MS = 30_000;

const own = clientOf('own');

/** The view before the first message. */
const NOTHING_HEARD = {
  link: 'connecting',
  heardAt: undefined,
  snapshot: undefined,
  points: new Map(),
  incidents: new Map(),
  mayAct: false,
  keepsHistory: false,
} as const;

/** Listens to a process, and remembers. */
export class LiveStore {
  #view: View = { ...NOTHING_HEARD, now: Date.now(), process: 'own', client: own, processes: undefined };
  readonly #listeners = new Set<() => void>();
  #stop: () => void = () => undefined;
  #tryAgain: ReturnType<typeof setTimeout> | undefined = undefined;
  #askPeersAt = 0;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = (): View => this.#view;

  start(): void {
    this.#connect();
    setInterval(() => this.#check(), CHECK_MS);
  }

  /** Shows another process. */
  choose(process: Process): void {
    this.#stop();
    this.#change({ ...NOTHING_HEARD, process, client: process === 'own' ? own : clientOf(process) });
    this.#connect();
  }

  /** After a change of the token. */
  reconnect(): void {
    this.#stop();
    this.#askPeersAt = 0;
    this.#change({ link: 'connecting', mayAct: false });
    this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#tryAgain);
    const { client } = this.#view;
    const isCurrent = (): boolean => client === this.#view.client;
    const subscription = client.monitoring.live.subscribe(undefined, {
      onData: ({ data }) => this.#take(data),
      onError: () => void this.#gone(client),
      onComplete: () => void this.#gone(client),
      onConnectionStateChange: ({ state }) => {
        if (state === 'connecting' && this.#view.link !== 'connecting') void this.#whyNot(client);
      },
    });
    this.#stop = () => subscription.unsubscribe();
    void client.monitoring.capabilities.query().then(
      ({ mayAct, procedures }) =>
        isCurrent() && this.#change({ mayAct, keepsHistory: procedures.some((name) => name.endsWith('history')) }),
      () => void this.#whyNot(client),
    );
  }

  /** The client has given up. */
  async #gone(client: Client): Promise<void> {
    if (client !== this.#view.client || (await this.#whyNot(client))) return;
    if (client !== this.#view.client) return;
    this.#connectIn(TRY_AGAIN_MS);
  }

  #connectIn(delayMs: number): void {
    clearTimeout(this.#tryAgain);
    this.#tryAgain = setTimeout(() => {
      this.#stop();
      this.#connect();
    }, delayMs);
  }

  /** @returns whether it was refused: then it is no use to try again */
  async #whyNot(client: Client): Promise<boolean> {
    const refusal = await refusalOf(this.#view.process);
    if (client !== this.#view.client) return true;
    if (refusal === 'no' || refusal === 'unreachable') return false;
    this.#change({ link: refusal === 'token' ? 'locked' : refusal === 'peer' ? 'refused' : 'blocked' });
    if (refusal !== 'token') this.#connectIn(BLOCKED_MS);
    return true;
  }

  #take(snapshot: LiveSnapshot): void {
    const points = new Map(snapshot.pools.map((pool) => [pool.name, this.#grown(pool)]));
    const incidents = new Map(snapshot.pools.map((pool) => [pool.name, this.#withNews(pool)]));
    this.#change({ link: 'live', heardAt: Date.now(), now: Date.now(), snapshot, points, incidents });
  }

  #grown({ name, points }: LivePool): readonly LivePoint[] {
    const known = this.#view.points.get(name) ?? [];
    const last = known.at(-1)?.at ?? 0;
    const all = [...known, ...points.filter(({ at }) => at > last)];
    return all.length > POINTS_KEPT ? all.slice(-POINTS_KEPT) : all;
  }

  /** Those that last are in each message: one that lasted and is missing was none. */
  #withNews({ name, incidents }: LivePool): readonly Incident[] {
    const news = new Set(incidents.map(({ id }) => id));
    const known = (this.#view.incidents.get(name) ?? []).filter(({ id, end }) => end !== null && !news.has(id));
    return [...incidents, ...known].toSorted((a, b) => b.id - a.id).slice(0, MOST_INCIDENTS);
  }

  #check(): void {
    const now = Date.now();
    const { heardAt, link } = this.#view;
    const isOld = heardAt !== undefined && now - heardAt > STALE_AFTER_MS;
    if (isOld && (link === 'live' || link === 'connecting')) this.#change({ now, link: 'stale' });
    // While news come, the page is drawn with them: once a second, not twice.
    else if (link !== 'live') this.#change({ now });
    if (link !== 'locked' && link !== 'blocked' && now >= this.#askPeersAt) void this.#askForPeers(now);
  }

  /** The processes that this page's own server lists; the shown process does not matter. */
  async #askForPeers(now: number): Promise<void> {
    this.#askPeersAt = Number.POSITIVE_INFINITY;
    const processes = await own.monitoring.processes.query().catch(() => undefined);
    this.#askPeersAt = now + (processes?.peers.length === 0 ? LOOK_FOR_PEERS_MS : ASK_FOR_PEERS_MS);
    if (processes !== undefined) this.#change({ processes });
  }

  #change(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) listener();
  }
}
