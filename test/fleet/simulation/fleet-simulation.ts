/** Many processes of one fleet on a clock of their own, with every fault of the contract: what is promised is looked at at every step. */

import type { FleetReply, FleetRequest, FleetState } from '../../../src/fleet/contract/index.js';
import { DemandWatch } from '../../../src/fleet/member/demand.js';
import { Renewals } from '../../../src/fleet/member/renewals.js';
import { awayOf } from '../../../src/fleet/protocol/away.js';
import { isLive } from '../../../src/fleet/protocol/evidence.js';
import { answered, asking, ceilingOf, type Holding, isHeld, newHolding, step, withOpen } from '../../../src/fleet/protocol/index.js';
import { inForceOf } from '../../../src/fleet/protocol/in-force.js';

export interface SimulationOptions {
  readonly budget: number;
  /** The option: processes that may exist at once. */
  readonly processes: number;
  readonly floor: number;
  readonly leaseMs: number;
  /** The part of messages that are lost, each way. */
  readonly lost: number;
  readonly random: () => number;
}

export interface SimulatedProcess {
  holding: Holding;
  readonly name: string;
  /** Callers that have or want a connection. */
  demand: number;
  readonly renewals: Renewals;
  readonly watch: DemandWatch;
  /** When its request was sent, by its own clock; undefined: none is under way. */
  sentAt: number | undefined;
  alive: boolean;
  frozen: boolean;
  cutFromLedger: boolean;
  cutFromDatabase: boolean;
  /** Connections lent for a long time: they are not closed before this time. */
  lentUntil: number;
  /** What its own clock shows beyond the others'. */
  readonly speed: number;
  last: FleetReply | undefined;
  counted: { readonly sample: number; readonly connections: number } | undefined;
  refused: number;
}

/** An answer on its way. */
interface Reply {
  readonly to: SimulatedProcess;
  readonly reply: FleetReply;
}

/** How long a request may take, in leases, as in the member. */
const PATIENCE = 1 / 3;

const NO_COUNTS = { open: 0, opening: 0, pooled: 0, limit: Number.POSITIVE_INFINITY } as const;

export class FleetSimulation {
  now = 1_000_000;
  ledgerOffset = 0;
  ledgerDown = false;
  identity = 1;
  state: FleetState | undefined;
  readonly processes: SimulatedProcess[] = [];
  messages = 0;
  broken: string[] = [];
  mostConnections = 0;
  /** Whether the ledger's clock or its memory was touched: F3 then does not speak of its leases. */
  touched = false;
  readonly options: SimulationOptions;
  #late: { request: FleetRequest; to: SimulatedProcess }[] = [];
  #replies: Reply[] = [];
  #copies: (FleetState | undefined)[] = [];
  #started = 0;
  #connections = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
  }

  get tickMs(): number {
    return this.options.leaseMs / 20;
  }

  get alive(): readonly SimulatedProcess[] {
    return this.processes.filter(({ alive }) => alive);
  }

  start(demand: number): SimulatedProcess {
    const { budget, processes, floor, leaseMs, random } = this.options;
    const name = `p${(this.#started++).toString(36)}`;
    const process: SimulatedProcess = {
      holding: newHolding({ id: name, floor, budget, processes, leaseMs }),
      name,
      demand,
      renewals: new Renewals(leaseMs, random),
      watch: new DemandWatch(leaseMs),
      sentAt: undefined,
      alive: true,
      frozen: false,
      cutFromLedger: false,
      cutFromDatabase: false,
      lentUntil: 0,
      speed: 0.9 + 0.1 * random(),
      last: undefined,
      counted: undefined,
      refused: 0,
    };
    this.processes.push(process);
    return process;
  }

  /** Dies at once; the server closes its connections. */
  kill(process: SimulatedProcess): void {
    this.#open(process, 0);
    process.alive = false;
    this.processes.splice(this.processes.indexOf(process), 1);
  }

  /** Closes its connections, says farewell and ends. */
  leave(process: SimulatedProcess): void {
    this.#open(process, 0);
    const { request } = asking(process.holding, 'leave', { wanted: 0, opening: 0 }, this.#timeOf(process));
    if (!this.ledgerDown && !process.cutFromLedger) this.#execute(request);
    this.kill(process);
  }

  /** Another ledger takes over, without the writes of the last `ticks`, or without any memory. */
  failOver(ticks: number | 'all'): void {
    this.identity++;
    this.touched = true;
    this.state = ticks === 'all' ? undefined : (this.#copies.at(-1 - ticks) ?? this.state);
    this.ledgerDown = false;
  }

  leapClock(ms: number): void {
    this.touched = true;
    this.ledgerOffset += ms;
  }

  /** Time passes. */
  run(leases: number): void {
    const end = this.now + leases * this.options.leaseMs;
    while (this.now < end) this.tick();
  }

  tick(): void {
    this.now += this.tickMs;
    const replies = this.#replies;
    this.#replies = [];
    for (const { to, reply } of replies) this.#deliver(to, reply);
    const late = this.#late;
    this.#late = [];
    for (const { request, to } of late) if (!this.ledgerDown) this.#deliver(to, this.#execute(request));
    for (const process of this.#shuffled()) this.#turn(process);
    this.#copies.push(this.state);
    if (this.#copies.length > 8) this.#copies.shift();
    this.#check();
  }

  /** Connections at the server. */
  connections(): number {
    return this.#connections;
  }

  ceiling(process: SimulatedProcess): number {
    return ceilingOf(process.holding, this.#timeOf(process));
  }

  #open(process: SimulatedProcess, open: number): void {
    this.#connections += open - process.holding.open;
    process.holding = withOpen(process.holding, open);
  }

  #timeOf({ speed }: SimulatedProcess): number {
    return this.now * speed;
  }

  #shuffled(): readonly SimulatedProcess[] {
    const { random } = this.options;
    const order = [...this.processes];
    for (let index = order.length - 1; index > 0; index--) {
      const other = Math.floor(random() * (index + 1));
      [order[index], order[other]] = [order[other] as SimulatedProcess, order[index] as SimulatedProcess];
    }
    return order;
  }

  #turn(process: SimulatedProcess): void {
    if (process.frozen) return;
    this.#fit(process);
    const { renewals, last, holding, demand } = process;
    const now = this.#timeOf(process);
    const waiting = Math.max(0, demand - holding.open);
    process.watch.look({ ...NO_COUNTS, used: holding.open, waiting, longestWaitMs: waiting > 0 ? this.tickMs : 0 }, now);
    if (process.sentAt !== undefined && now - process.sentAt >= this.options.leaseMs * PATIENCE) {
      process.sentAt = undefined;
      renewals.failed(now);
    }
    const reasons = {
      isHungry: waiting > 0 && holding.open >= this.ceiling(process),
      hasClosed: last?.hungry === true && holding.open <= last.lease,
    };
    if (process.sentAt === undefined && renewals.isDue(now, reasons)) this.#renew(process, now);
    this.#fit(process);
  }

  /** Opens what it needs up to its ceiling, closes what is idle, keeps what is lent. */
  #fit(process: SimulatedProcess): void {
    const { open } = process.holding;
    const goal = Math.min(this.ceiling(process), Math.max(process.demand, 0));
    if (goal > open) {
      if (process.cutFromDatabase) return;
      const free = this.options.budget - this.connections();
      if (free < goal - open) process.refused++;
      this.#open(process, goal);
    } else if (goal < open && this.now >= process.lentUntil) this.#open(process, goal);
  }

  #renew(process: SimulatedProcess, now: number): void {
    const { random, lost } = this.options;
    const { counted } = process;
    const demand = { wanted: process.watch.peak(now), opening: 0, ...(counted === undefined ? {} : { counted }) };
    const { holding, request } = asking(process.holding, 'renew', demand, now);
    process.holding = holding;
    process.sentAt = now;
    process.renewals.sent(now);
    this.messages++;
    if (this.ledgerDown || process.cutFromLedger) return;
    const luck = random();
    if (luck < lost) return;
    if (luck < 2 * lost) {
      this.#late.push({ request, to: process });
      return;
    }
    const reply = this.#execute(request);
    if (luck < 3 * lost) this.#late.push({ request, to: process });
    if (luck < 4 * lost) return;
    if (luck < 6 * lost) this.#replies.push({ to: process, reply });
    else this.#deliver(process, reply);
  }

  #execute(request: FleetRequest): FleetReply {
    const { state, reply } = step(this.state, request, this.now + this.ledgerOffset, `ledger ${this.identity}`);
    this.state = state;
    return reply;
  }

  #deliver(process: SimulatedProcess, reply: FleetReply): void {
    if (!process.alive || process.frozen || process.cutFromLedger) return;
    if (process.sentAt === undefined || process.holding.asked?.seq !== reply.seq) return;
    const { lease } = process.holding;
    process.holding = answered(process.holding, reply);
    process.sentAt = undefined;
    process.last = reply;
    process.counted = undefined;
    process.renewals.answered({ isSoon: reply.soon, isDue: reply.due > 0, hasGained: reply.lease > lease });
    if (reply.count !== undefined && !process.cutFromDatabase) {
      process.counted = { sample: reply.count, connections: this.connections() };
      process.renewals.soon();
    }
    this.#fit(process);
  }

  want(process: SimulatedProcess, demand: number): void {
    process.demand = demand;
  }

  /** F1 to F6, as far as one moment shows them. */
  #check(): void {
    const { budget, floor, leaseMs } = this.options;
    let potential = 0;
    for (const process of this.processes) {
      const ceiling = this.ceiling(process);
      potential += Math.max(ceiling, process.holding.open);
      if (ceiling < floor) this.#found('F5', `${process.name} may have ${ceiling}`);
      this.#checkLease(process);
    }
    const connections = this.connections();
    this.mostConnections = Math.max(this.mostConnections, connections);
    if (potential > budget) this.#found('F1', `${potential} of ${budget}`);
    const yet = Math.max(0, this.options.processes - this.processes.length) * floor;
    if (potential + yet > budget) this.#found('F4', `${potential} and ${yet} for floors, of ${budget}`);
    const { state } = this;
    if (state === undefined || state.identity !== `ledger ${this.identity}` || state.time < state.learningUntil + leaseMs) return;
    const live = [...state.members.values()].filter((member) => isLive(member, state.time));
    const { reserved, overhang } = awayOf(state, live.length, inForceOf(live, this.options));
    let held = 0;
    for (const process of this.processes) {
      const member = state.members.get(process.name);
      if (member !== undefined && !isLive(member, state.time)) held += Math.max(this.ceiling(process), process.holding.open);
    }
    if (held > reserved + overhang) this.#found('F6', `${held} held, ${reserved} + ${overhang} known`);
  }

  #checkLease(process: SimulatedProcess): void {
    const { state } = this;
    if (this.touched || state === undefined) return;
    const member = state.members.get(process.name);
    if (!isHeld(process.holding, this.#timeOf(process))) return;
    if (member === undefined || !isLive(member, state.time)) this.#found('F3', `${process.name} holds what the ledger has ended`);
    else if (member.accounted < Math.max(this.ceiling(process), process.holding.open))
      this.#found('F2', `${process.name} has more than is counted`);
  }

  #found(promise: string, numbers: string): void {
    if (this.broken.length < 10) this.broken.push(`${promise} at ${this.now}: ${numbers}`);
  }
}
