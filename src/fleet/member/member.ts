/** One member of a fleet: asks for its lease, keeps its pool within it, and falls back to its safe share when the ledger is silent. */

import { nodeCrypto } from '../../packages/index.js';
import type { Clock, RandomSource, Timer } from '../../engine/contract/index.js';
import { callListener, inRootContext, pause, waitOrAbort } from '../../engine/waiting/index.js';
import {
  type FleetChange,
  type FleetCount,
  type FleetDenial,
  type FleetPhase,
  type FleetReply,
  type FleetRequest,
  type FleetSnapshot,
  type FleetState,
  type FleetLedger,
  LEAST_ROUND_TRIPS,
  type ResolvedFleetOptions,
  smallBudget,
} from '../contract/index.js';
import { answered, asking, ceilingOf, type Holding, isHeld, newHolding, step, withOpen } from '../protocol/index.js';
import { Congestion } from './congestion.js';
import { DemandWatch, type MemberCounts } from './demand.js';
import { ProcessClock } from './process-clock.js';
import { Renewals } from './renewals.js';
import { LedgerLog } from './ledger-log.js';

/** The pool of a member, as it sees it: numbers, and what to ask the server. */
export interface MemberPool {
  counts(): MemberCounts;
  /** How long callers have waited for connections and used them so far, all together, in milliseconds. */
  busyMs(): number;
  /** @param whenOpening asked before each opening: it may have fallen below `count` */
  setCeiling(count: number, whenOpening: () => number): void;
  /** Counts the account's connections at the server, this one included. */
  countAtServer(timeoutMs: number): Promise<number>;
  /** How many connections the server allows the account. */
  serverLimit(timeoutMs: number): Promise<number>;
}

/** What a member has of its surroundings. */
export interface MemberEnvironment {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Milliseconds of the wall clock. */
  readonly wall: () => number;
}

/** How often the budget of 'auto' is read again. */
const AUTO_MS = 60_000;
/** How long a request may take, in leases. */
const PATIENCE = 1 / 3;
/** How long a farewell may take, in milliseconds. */
const FAREWELL_MS = 2_000;

/** One member. */
export class Member {
  readonly id = nodeCrypto().randomBytes(9).toString('base64url');
  readonly #time: ProcessClock;
  readonly #demand: DemandWatch;
  readonly #congestion: Congestion;
  readonly #renewals: Renewals;
  readonly #log: LedgerLog;
  readonly #listeners = new Set<(change: FleetChange) => void>();
  readonly #denied: Record<FleetDenial, number> = { budget: 0, learning: 0, ledger: 0, congestion: 0 };
  #holding: Holding | undefined = undefined;
  #reply: FleetReply | undefined = undefined;
  #roster: FleetState | undefined = undefined;
  #phase: FleetPhase = 'starting';
  #phaseAt: number;
  #request: { readonly controller: AbortController; readonly dueAt: number; readonly done: Promise<void> } | undefined = undefined;
  #counted: FleetCount | undefined = undefined;
  #counting = false;
  #budgetAskedAt = Number.NEGATIVE_INFINITY;
  #budgetWarning: string | undefined = undefined;
  #ceiling: number | undefined = undefined;
  #warnings: readonly string[] = [];
  #timer: Timer | undefined = undefined;
  #ended = false;

  /** @param name the fleet, with the server that it is for */
  constructor(
    readonly name: string,
    private readonly options: ResolvedFleetOptions,
    private readonly pool: MemberPool,
    private readonly ledger: FleetLedger,
    private readonly environment: MemberEnvironment,
  ) {
    const { clock, random, wall } = environment;
    const { lease, budget } = options;
    this.#time = new ProcessClock(clock, wall);
    this.#demand = new DemandWatch(lease);
    this.#congestion = new Congestion(lease, random);
    this.#renewals = new Renewals(lease, random);
    this.#log = new LedgerLog();
    this.#phaseAt = this.#time.now();
    if (budget !== 'auto') this.#holding = this.#newHolding(budget);
  }

  /** The pool has its floor from now on, and asks for more. */
  start(): void {
    this.#keepCeiling();
    inRootContext(() => this.#look());
  }

  /** The number of the pool's open connections has changed. */
  noteOpen(): void {
    if (this.#holding !== undefined) this.#holding = withOpen(this.#holding, this.pool.counts().open);
  }

  /** The server has refused a connection because it has too many. */
  noteRefused(message: string): void {
    this.#denied.congestion += 1;
    const now = this.#time.now();
    if (!this.#congestion.refused(this.pool.counts().open, this.options.floor, now)) return;
    this.#report('congestion', `the server refuses connections (${message}): at most ${this.#congestion.bound} for now`);
    this.#keepCeiling();
  }

  /** Calls back for each change. Returns a function that stops. */
  onChange(listener: (change: FleetChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The most connections that this member may have now, the ones beside the pool included. */
  get ceiling(): number {
    const lease = this.#holding === undefined ? this.options.floor : ceilingOf(this.#holding, this.#time.now());
    return Math.max(this.options.floor, Math.min(lease, this.#congestion.bound));
  }

  /** What the member knows now. */
  snapshot(): FleetSnapshot {
    const { name, id, options } = this;
    const now = this.#time.now();
    const holding = this.#holding;
    const { open } = this.pool.counts();
    const reply = this.#reply;
    const { floor, processes, dryRun, ledger } = options;
    return Object.freeze({
      name,
      id,
      dryRun,
      phase: this.#phase,
      phaseMs: now - this.#phaseAt,
      lease: holding?.lease ?? floor,
      ceiling: this.ceiling,
      leaseMs: options.lease,
      leaseLeftMs: Math.max((holding?.endsAt ?? now) - now, 0),
      open,
      demand: this.#wanted(now),
      due: reply?.due ?? 0,
      floor,
      safeShare: Math.max(floor, holding?.safe ?? floor),
      budget: reply?.budget ?? holding?.options.budget,
      processes: reply?.processes ?? processes,
      granted: reply?.granted ?? 0,
      reserved: reply?.reserved ?? 0,
      overhang: reply?.overhang ?? 0,
      members: reply?.members ?? 0,
      lost: reply?.lost ?? 0,
      roster: rosterOf(this.#roster),
      ledger: Object.freeze({
        kind: ledger === 'database' ? 'database' : 'redis' in ledger ? 'redis' : 'own',
        ...this.#log.snapshot(now),
      } as const),
      denied: Object.freeze({ ...this.#denied }),
      congestion: this.#congestion.bound === Number.POSITIVE_INFINITY ? undefined : this.#congestion.bound,
      warnings: this.#warnings,
    });
  }

  /** The pool has closed its connections: says farewell. Never rejects, and takes no longer than two seconds. */
  async leave(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    const farewell = new AbortController();
    const patience = pause(FAREWELL_MS, { signals: [farewell.signal] });
    void patience.then(() => farewell.abort(new Error('the ledger does not answer')));
    const request = this.#request;
    try {
      // One after the other: the ledger ignores what is older than what it has seen.
      if (request !== undefined) await waitOrAbort(request.done, farewell.signal);
      const holding = this.#holding;
      if (holding !== undefined && holding.seq > 0) {
        const asked = asking(withOpen(holding, 0), 'leave', { wanted: 0, opening: 0 }, this.#time.now());
        await waitOrAbort(this.#transact(asked.request, farewell.signal), farewell.signal);
      }
    } catch (error) {
      request?.controller.abort(error);
      this.#log.failed(error);
    } finally {
      farewell.abort();
      this.#enter('left', this.#time.now());
    }
  }

  /** Looks at the pool, some twenty times in a lease: keeps the ceiling, and renews when it is time. */
  #look(): void {
    if (this.#ended) return;
    const now = this.#time.now();
    const counts = this.pool.counts();
    this.#demand.look(counts, now);
    this.#readBudget(now);
    this.#keepCeiling();
    const { lease, dryRun } = this.options;
    if (this.#request !== undefined && now >= this.#request.dueAt)
      this.#request.controller.abort(new Error(`the ledger has not answered within ${Math.round(lease * PATIENCE)} ms`));
    const isHungry = this.#isHungry(counts);
    if (isHungry && !dryRun && this.#phase === 'safe share') this.#denied.ledger += 1;
    if (
      this.#holding !== undefined &&
      this.#request === undefined &&
      this.#renewals.isDue(now, { isHungry, hasClosed: this.#hasClosed(counts) })
    )
      this.#renew(this.#holding, counts, now);
    this.#timer = this.environment.clock.setTimer(() => this.#look(), this.#renewals.lookPauseMs());
    this.#timer.unref();
  }

  /** Callers wait, and the ceiling is why. */
  #isHungry({ waiting, pooled, limit }: MemberCounts): boolean {
    return waiting > 0 && pooled >= this.ceiling - this.options.side && pooled < limit;
  }

  /** Others wait for what this member had to give back, and it is closed now. */
  #hasClosed({ open, opening }: MemberCounts): boolean {
    return this.#reply?.hungry === true && open + opening <= this.#reply.lease;
  }

  #wanted(now: number): number {
    const { floor, side } = this.options;
    return Math.max(floor, Math.min(this.#demand.peak(now), this.pool.counts().limit) + side);
  }

  #renew(holding: Holding, { open, opening }: MemberCounts, now: number): void {
    this.#time.rebase();
    this.#demand.measure(this.pool.busyMs(), now);
    const counted = this.#counted;
    const demand = { wanted: this.#wanted(now), opening, ...(counted === undefined ? {} : { counted }) };
    const asked = asking(withOpen(holding, open), 'renew', demand, now);
    this.#holding = asked.holding;
    this.#renewals.sent(now);
    const controller = new AbortController();
    const done = this.#ask(asked.request, controller.signal, now).finally(() => {
      this.#request = undefined;
    });
    this.#request = { controller, dueAt: now + this.options.lease * PATIENCE, done };
  }

  async #ask(request: FleetRequest, signal: AbortSignal, sentAt: number): Promise<void> {
    try {
      const reply = await waitOrAbort(this.#transact(request, signal), signal);
      if (!this.#ended) this.#answered(request, reply, sentAt);
    } catch (error) {
      this.#log.failed(error);
      this.#renewals.failed(this.#time.now());
    }
  }

  #transact(request: FleetRequest, signal: AbortSignal): Promise<FleetReply> {
    const carryOut = (state: FleetState | undefined, now: number, identity: string) => {
      const stepped = step(state, request, now, identity);
      this.#roster = stepped.state;
      return stepped;
    };
    return this.ledger.transact(this.name, carryOut, signal);
  }

  #answered(request: FleetRequest, reply: FleetReply, sentAt: number): void {
    const now = this.#time.now();
    const before = this.#holding as Holding;
    this.#holding = answered(before, reply);
    if (this.#holding === before) return;
    this.#reply = reply;
    this.#log.answered(sentAt, now);
    if (request.counted !== undefined && this.#counted === request.counted) this.#counted = undefined;
    const isDenied = this.#isHungry(this.pool.counts()) && reply.lease < request.wanted;
    if (isDenied) this.#denied[reply.learning ? 'learning' : 'budget'] += 1;
    this.#renewals.answered({ isSoon: reply.soon, isDue: reply.due > 0, hasGained: reply.lease > before.lease });
    if (reply.count !== undefined) void this.#count(reply.count);
    if (reply.lease !== before.lease) this.#report('lease', `lease of ${reply.lease} connections, it was ${before.lease}`);
    this.#keepCeiling();
    this.#review();
  }

  /** Counts for a sample of the ledger's. A pool that cannot is asked again later, or another is. */
  async #count(sample: number): Promise<void> {
    if (this.#counting) return;
    this.#counting = true;
    try {
      const connections = await this.pool.countAtServer(this.options.lease / 2);
      this.#counted = { sample, connections };
      this.#renewals.soon();
    } catch (error) {
      this.#log.countFailed(error);
    } finally {
      this.#counting = false;
    }
  }

  /** The budget of 'auto', now and each minute. Until it is known the pool has its floor. */
  #readBudget(now: number): void {
    const { budget, lease } = this.options;
    if (budget !== 'auto' || now - this.#budgetAskedAt < (this.#holding === undefined ? lease / 4 : AUTO_MS)) return;
    this.#budgetAskedAt = now;
    this.pool.serverLimit(lease).then(
      (limit) => this.#setBudget(limit),
      (error: unknown) => this.#log.countFailed(error),
    );
  }

  #setBudget(limit: number): void {
    const { reserve, floor, processes } = this.options;
    const budget = Math.max(1, Math.floor(limit * (1 - reserve)));
    const wrong = smallBudget(budget, floor, processes);
    this.#budgetWarning = wrong === undefined ? undefined : `the server allows ${limit} connections: ${wrong}`;
    if (this.#holding === undefined) this.#holding = this.#newHolding(budget);
    else this.#holding = { ...this.#holding, options: { ...this.#holding.options, budget } };
    this.#review();
  }

  #newHolding(budget: number): Holding {
    const { floor, processes, lease } = this.options;
    return withOpen(newHolding({ id: this.id, floor, budget, processes, leaseMs: lease }), 0);
  }

  /** Keeps the pool within what the member has now. */
  #keepCeiling(): void {
    const now = this.#time.now();
    const { floor, side, dryRun } = this.options;
    this.#congestion.relax(this.#holding?.lease ?? floor, now);
    this.#enter(this.#phaseNow(now), now);
    const { ceiling } = this;
    if (ceiling === this.#ceiling || dryRun || this.#ended) return;
    this.#ceiling = ceiling;
    this.pool.setCeiling(ceiling - side, () => this.ceiling - side);
  }

  #phaseNow(now: number): FleetPhase {
    const holding = this.#holding;
    if (holding?.endsAt === undefined) return 'starting';
    if (!isHeld(holding, now)) return 'safe share';
    return this.#reply?.learning === true ? 'learning' : 'leased';
  }

  #enter(phase: FleetPhase, now: number): void {
    if (phase === this.#phase) return;
    this.#phase = phase;
    this.#phaseAt = now;
    const why = phase === 'safe share' ? `: the ledger does not answer (${this.#log.failure ?? 'no request ended'})` : '';
    this.#report('phase', `${phase}, at most ${this.ceiling} connections${why}`);
  }

  /** What is wrong, with the numbers. */
  #review(): void {
    const { lease } = this.options;
    const mismatch = this.#reply?.mismatch;
    const roundTripMs = this.#log.roundTripMs ?? 0;
    const warnings = [
      ...(mismatch === undefined
        ? []
        : [
            `members of fleet ${this.name} say different fleet.${mismatch.option}: ${mismatch.used} is in force, member ${mismatch.member} says ${mismatch.other}`,
          ]),
      ...(lease >= LEAST_ROUND_TRIPS * roundTripMs
        ? []
        : [
            `fleet.lease (${lease} ms) is shorter than ${LEAST_ROUND_TRIPS} round trips to the ledger (${roundTripMs.toFixed(0)} ms each): leases may end before they are renewed`,
          ]),
      ...(this.#budgetWarning === undefined ? [] : [this.#budgetWarning]),
    ];
    const news = warnings.filter((warning) => !this.#warnings.includes(warning));
    this.#warnings = Object.freeze(warnings);
    for (const warning of news) this.#report('warning', warning);
  }

  #report(what: FleetChange['what'], message: string): void {
    const change = Object.freeze({ fleet: this.name, what, message });
    for (const listener of this.#listeners) callListener(listener, change);
  }
}

function rosterOf(state: FleetState | undefined): FleetSnapshot['roster'] {
  if (state === undefined) return [];
  return Object.freeze(
    [...state.members].map(([id, { lease, accounted, open, wanted, since, until }]) =>
      Object.freeze({ id, lease, accounted, open, wanted, ageMs: state.time - since, leaseLeftMs: until - state.time }),
    ),
  );
}
