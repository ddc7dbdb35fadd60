/** A pool in a fleet: its member, its ledger, and what they learn of the pool and ask of the server. */

import { type Pool as Engine, systemClock } from '../../engine/index.js';
import { ignore, inRootContext, inThisContext } from '../../engine/waiting/index.js';
import type { FleetChange, FleetSnapshot, FleetLedger, ResolvedFleetOptions } from '../../fleet/contract/index.js';
import { databaseLedger, redisLedger } from '../../fleet/ledgers/index.js';
import { Member, type MemberCounts, type MemberPool } from '../../fleet/member/index.js';
import { type ManagedConnection, openLone } from '../connections/index.js';
import { isTooManyConnections } from '../errors/index.js';
import type { HealthCheck } from '../observation/index.js';
import type { Endpoint, ResolvedOptions } from '../options/index.js';

/** The pool, as its fleet sees it. */
export interface FleetedCore {
  readonly engine: Engine<ManagedConnection>;
  readonly options: ResolvedOptions;
  connections(which: 'all'): readonly ManagedConnection[];
  rowsOf(sql: string, timeoutMs: number): Promise<readonly (readonly unknown[])[]>;
}

/** Without the right to see all, an account sees its own connections; with it, the list is of all accounts. */
export const COUNT_CONNECTIONS = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = SUBSTRING_INDEX(USER(), '@', 1)";
/** For an account without a limit of its own the second is 0. */
const LIMITS = 'SELECT @@GLOBAL.max_connections, @@SESSION.max_user_connections';

/** One pool's place in its fleet. A pool whose writer moves leaves the fleet of one server and joins that of another. */
export class PoolFleet {
  readonly #ledger: FleetLedger;
  readonly #listeners = new Set<(change: FleetChange) => void>();
  /** Of the server to which connections lead now. */
  #member: Member | undefined = undefined;
  /** Of servers that were left, while connections to them are still lent. */
  readonly #leaving = new Map<Member, Endpoint>();
  readonly #fleet: ResolvedFleetOptions;
  #ended = false;

  /** @param killers how many connections there are beside the pool */
  constructor(
    private readonly core: FleetedCore,
    private readonly killers: () => number,
  ) {
    this.#fleet = core.options.fleet as ResolvedFleetOptions;
    this.#ledger = inRootContext(() => this.#openLedger());
    const { engine } = core;
    engine.on('opened', () => this.#noteOpen());
    engine.on('closed', () => this.#noteOpen());
    engine.on('connectFailed', ({ error }) => {
      if (isTooManyConnections(error)) this.#member?.noteRefused((error as Error).message);
    });
    // One that moves is led to its first place, too.
    if (core.options.moves !== true) this.lead(core.options);
  }

  /** Connections lead there from now on. */
  lead({ fleet, endpoint }: ResolvedOptions): void {
    if (fleet === undefined || this.#ended || this.#member?.name === fleet.name) return;
    const before = this.#member;
    if (before !== undefined) this.#leaving.set(before, this.#at as Endpoint);
    this.#at = endpoint;
    const member: Member = new Member(
      fleet.name,
      fleet,
      this.#poolOf(() => member),
      this.#ledger,
      {
        clock: systemClock,
        random: Math.random,
        wall: () => Date.now(),
      },
    );
    member.onChange((change) => this.#report(change));
    this.#member = member;
    member.start();
    this.#noteOpen();
  }

  #at: Endpoint | undefined = undefined;

  snapshot(): FleetSnapshot | undefined {
    return this.#member?.snapshot();
  }

  /** Calls back for each change, where it was asked for. Returns a function that stops. */
  onChange(listener: (change: FleetChange) => void): () => void {
    const own = inThisContext(listener);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** For the pool's health. */
  check(): HealthCheck {
    const fleet = this.snapshot();
    if (fleet === undefined) return { name: 'fleet', status: 'pass', message: 'the pool is not connected to a server yet' };
    const { phase, lease, budget, ledger, warnings } = fleet;
    if (warnings.length > 0) return { name: 'fleet', status: 'warn', message: warnings.join('; ') };
    const ofBudget = budget === undefined ? '' : ` of a budget of ${budget}`;
    if (phase === 'leased' || phase === 'learning')
      return { name: 'fleet', status: 'pass', message: `${phase}: ${lease} connections${ofBudget}` };
    const since = ledger.ageMs === undefined ? 'not yet' : `${(ledger.ageMs / 1000).toFixed(1)} s ago`;
    const why = ledger.failure === undefined ? '' : ` (${ledger.failure})`;
    const message = `${phase}: at most ${fleet.ceiling} connections; the ledger has answered ${since}${why}`;
    return { name: 'fleet', status: phase === 'starting' && ledger.failures === 0 ? 'pass' : 'warn', message };
  }

  /** The pool has closed its connections. Never rejects. */
  async leave(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const members = [...(this.#member === undefined ? [] : [this.#member]), ...this.#leaving.keys()];
    await Promise.all(members.map((member) => member.leave()));
    // A ledger that the user gave may serve other pools.
    if (!(this.#fleet.ledger !== 'database' && 'own' in this.#fleet.ledger)) await this.#ledger.close().catch(ignore);
  }

  #openLedger(): FleetLedger {
    const { ledger } = this.#fleet;
    if (ledger === 'database') return databaseLedger(() => openLone(this.core.options));
    return 'own' in ledger ? ledger.own : redisLedger(ledger.redis);
  }

  #poolOf(self: () => Member): MemberPool {
    const { engine } = this.core;
    return {
      counts: () => this.#counts(self()),
      busyMs: () => engine.durationCounts('acquire', []).sumMs + engine.durationCounts('use', []).sumMs,
      setCeiling: (count, whenOpening) => {
        if (this.#member === self()) engine.setCeiling('fleet', count, whenOpening);
      },
      countAtServer: async (timeoutMs) => numberIn(await this.core.rowsOf(COUNT_CONNECTIONS, timeoutMs)),
      serverLimit: async (timeoutMs) => {
        const [row = []] = await this.core.rowsOf(LIMITS, timeoutMs);
        return Math.min(Number(row[0]), Number(row[1]) || Number.POSITIVE_INFINITY);
      },
    };
  }

  #counts(member: Member): MemberCounts {
    const left = this.#leaving.get(member);
    if (left !== undefined) return { open: this.#openAt(left), opening: 0, pooled: 0, used: 0, waiting: 0, longestWaitMs: 0, limit: 0 };
    const { engine } = this.core;
    const { total, opening, used, checking, waiting, longestWaitMs } = engine.summary();
    const beside = this.killers() + (this.#fleet.ledger === 'database' ? 1 : 0);
    const limit = engine.limitBeside('fleet');
    return { open: total + beside, opening, pooled: total + opening, used: used + checking, waiting, longestWaitMs, limit };
  }

  /** Connections that still lead to a server that was left. */
  #openAt({ host, port }: Endpoint): number {
    return this.core.connections('all').filter(({ config }) => config.host === host && config.port === port).length;
  }

  #noteOpen(): void {
    this.#member?.noteOpen();
    for (const [member, endpoint] of this.#leaving) {
      if (this.#openAt(endpoint) === 0) void member.leave().then(() => this.#leaving.delete(member));
      else member.noteOpen();
    }
  }

  #report(change: FleetChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function numberIn([row = []]: readonly (readonly unknown[])[]): number {
  return Number(row[0]);
}
