/** The model's world: some processes with the real member rules, one ledger with the real step, one server, and a network that loses, doubles and delays. */

import type { FleetReply, FleetRequest, FleetState } from '../../../src/fleet/contract/index.js';
import type { Holding } from '../../../src/fleet/protocol/index.js';
import type { Protocol } from './protocol.js';

/** A lease in the model's units of time; a quarter of it passes at once. */
export const LEASE = 20;
export const QUARTER = LEASE / 4;
/** How far the ledger's clock leaps: many leases. */
export const HOUR = 10_000;

/** The clocks of processes run so much slower than the ledger's. */
const PACE = 0.85;

/** The time on the clocks of processes. */
export function processTime({ now }: Pick<World, 'now'>): number {
  return now * PACE;
}

/** One process. A frozen one, and one that is cut off, is one that does nothing for a while. */
export interface Process {
  readonly holding: Holding;
  readonly hungry: boolean;
  /** Requests on their way: each may arrive never, late, or more than once. */
  readonly sent: readonly FleetRequest[];
  readonly replies: readonly FleetReply[];
  /** The sample that it was asked to count for, and what it counted. */
  readonly toCount?: number | undefined;
  readonly counted?: { readonly sample: number; readonly connections: number } | undefined;
  readonly alive: boolean;
}

export interface World {
  readonly now: number;
  readonly processes: readonly Process[];
  readonly ledger: FleetState | undefined;
  readonly identity: number;
  /** How far the ledger's clock is off. */
  readonly offset: number;
  /** A copy of the ledger that lags behind. */
  readonly copy: FleetState | undefined;
  /** How many faults of each kind may still come. */
  readonly faults: Readonly<Record<Fault, number>>;
}

export type Fault = 'clock' | 'memory' | 'crash' | 'start' | 'late';

/** Numbers of a model. */
export interface Numbers {
  readonly budget: number;
  readonly processes: number;
  readonly floor: number;
}

/** What can happen in a world. */
export interface Action {
  readonly name: string;
  readonly next: World;
}

/** Moves worlds by the rules of a protocol. */
export class Model {
  readonly #protocol: Protocol;
  readonly numbers: Numbers;

  constructor(protocol: Protocol, numbers: Numbers) {
    this.#protocol = protocol;
    this.numbers = numbers;
  }

  get protocol(): Protocol {
    return this.#protocol;
  }

  empty(faults: World['faults']): World {
    return { now: 0, processes: [], ledger: undefined, identity: 1, offset: 0, copy: undefined, faults };
  }

  started(world: World): World {
    const { budget, processes, floor } = this.numbers;
    const id = `p${world.processes.length}`;
    const holding = this.#protocol.newHolding({ id, floor, budget, processes, leaseMs: LEASE });
    return { ...world, processes: [...world.processes, { holding, hungry: true, sent: [], replies: [], alive: true }] };
  }

  ceiling({ holding }: Process, now: number): number {
    return this.#protocol.ceilingOf(holding, processTime({ now }));
  }

  /** Connections at the server. */
  connections(world: World): number {
    return world.processes.reduce((sum, { holding, alive }) => sum + (alive ? holding.open : 0), 0);
  }

  send(world: World, index: number, kind: 'renew' | 'leave' = 'renew'): World {
    const process = at(world, index);
    const demand = { wanted: process.hungry ? this.numbers.budget : 0, opening: 0 };
    const { counted } = process;
    const { holding, request } = this.#protocol.asking(
      process.holding,
      kind,
      counted === undefined ? demand : { ...demand, counted },
      processTime(world),
    );
    // The first request of all may arrive again at any time; it knows the least.
    const late = world.faults.late > 0 ? process.sent.slice(0, 1) : [];
    return withProcess(world, index, { ...process, holding, sent: [...late, request], toCount: undefined, counted: undefined });
  }

  execute(world: World, index: number, which: number): World {
    const process = at(world, index);
    const request = process.sent[which];
    if (request === undefined) throw new Error('bug: no such request');
    const { state, reply } = this.#protocol.step(world.ledger, request, world.now + world.offset, `ledger ${world.identity}`);
    const replies = [...process.replies.slice(-1), reply];
    return { ...withProcess(world, index, { ...process, replies }), ledger: state };
  }

  deliver(world: World, index: number, which: number): World {
    const process = at(world, index);
    const reply = process.replies[which];
    if (reply === undefined) throw new Error('bug: no such reply');
    const waiting = process.holding.asked !== undefined;
    const holding = this.#protocol.answered(process.holding, reply);
    const heard = waiting && holding.asked === undefined;
    const toCount = heard ? reply.count : process.toCount;
    return withProcess(world, index, { ...process, holding, toCount, replies: process.replies.filter((_, other) => other !== which) });
  }

  count(world: World, index: number): World {
    const process = at(world, index);
    if (process.toCount === undefined) return world;
    return withProcess(world, index, {
      ...process,
      toCount: undefined,
      counted: { sample: process.toCount, connections: this.connections(world) },
    });
  }

  /** A renewal without a fault on its way. */
  renew(world: World, index: number): World {
    const sent = this.send(this.count(world, index), index);
    const executed = this.execute(sent, index, at(sent, index).sent.length - 1);
    return this.deliver(executed, index, at(executed, index).replies.length - 1);
  }

  open(world: World, index: number, open: number): World {
    const process = at(world, index);
    return withProcess(world, index, { ...process, holding: this.#protocol.withOpen(process.holding, open) });
  }

  /** A lease passes, or some quarters of it, in which only some processes renew, each in its turn. */
  pass(world: World, renewing: readonly number[], quarters = 4): World {
    let next = world;
    for (let quarter = 0; quarter < quarters; quarter++) {
      next = { ...next, now: next.now + QUARTER };
      for (const index of renewing) next = this.renew(next, index);
    }
    return next;
  }

  /** All that can happen next. */
  *actions(world: World, kinds: ReadonlySet<string>): Iterable<Action> {
    const { faults, processes, now } = world;
    const alive = processes.flatMap((process, index) => (process.alive ? [index] : []));
    for (const [index, process] of processes.entries()) {
      const { id } = process.holding.options;
      for (const which of process.sent.keys()) {
        if (kinds.has('message'))
          yield { name: `the ledger carries out ${id}'s request ${process.sent[which]?.seq}`, next: this.execute(world, index, which) };
      }
      if (!process.alive) continue;
      if (kinds.has('message')) {
        yield { name: `${id} sends a request`, next: this.send(world, index) };
        for (const which of process.replies.keys())
          yield { name: `${id} gets the answer to ${process.replies[which]?.seq}`, next: this.deliver(world, index, which) };
      }
      if (kinds.has('message') || kinds.has('count')) {
        if (process.toCount !== undefined) yield { name: `${id} counts`, next: this.count(world, index) };
      }
      if (kinds.has('renew')) yield { name: `${id} renews`, next: this.renew(world, index) };
      if (kinds.has('appetite'))
        yield {
          name: `${id} is ${process.hungry ? 'idle' : 'busy'}`,
          next: withProcess(world, index, { ...process, hungry: !process.hungry }),
        };
      const ceiling = this.ceiling(process, now);
      const { open } = process.holding;
      if (open < ceiling) yield { name: `${id} opens up to ${ceiling}`, next: this.open(world, index, ceiling) };
      if (open > ceiling) yield { name: `${id} closes down to ${ceiling}`, next: this.open(world, index, ceiling) };
      if (open > 0) yield { name: `${id} closes all`, next: this.open(world, index, 0) };
      if (kinds.has('leave') && open === 0) yield { name: `${id} leaves`, next: this.#leave(world, index) };
      if (faults.crash > 0)
        yield {
          name: `${id} crashes`,
          next: spent(withProcess(this.open(world, index, 0), index, { ...at(this.open(world, index, 0), index), alive: false }), 'crash'),
        };
    }
    if (faults.start > 0 && alive.length < this.numbers.processes)
      yield { name: 'a process starts', next: spent(this.started(world), 'start') };
    yield { name: 'a quarter of a lease passes', next: { ...world, now: now + QUARTER } };
    if (kinds.has('pass')) {
      for (const renewing of subsetsOf(alive))
        yield {
          name: `a lease passes in which ${renewing.map((each) => `p${each}`).join(' and ') || 'none'} renews`,
          next: this.pass(world, renewing),
        };
    }
    if (kinds.has('moment')) {
      yield { name: 'a moment passes', next: { ...world, now: now + 1 } };
      for (const index of alive)
        yield { name: `three quarters of a lease pass in which p${index} renews`, next: this.pass(world, [index], 3) };
    }
    if (faults.clock > 0) {
      for (const leap of [HOUR, -HOUR])
        yield { name: `the ledger's clock leaps ${leap}`, next: spent({ ...world, offset: world.offset + leap }, 'clock') };
    }
    if (faults.memory > 0) {
      const taken = { ...world, identity: world.identity + 1, copy: undefined };
      yield { name: 'the ledger loses its memory', next: spent({ ...taken, ledger: undefined }, 'memory') };
      if (world.copy !== undefined)
        yield { name: 'a copy takes over from the ledger', next: spent({ ...taken, ledger: world.copy }, 'memory') };
      if (world.ledger !== undefined && world.copy === undefined)
        yield { name: 'the ledger is copied', next: { ...world, copy: world.ledger } };
    }
  }

  /** The farewell arrives, or not: the process is gone. */
  #leave(world: World, index: number): World {
    const sent = this.send(world, index, 'leave');
    return withProcess(sent, index, { ...at(sent, index), alive: false });
  }
}

function spent(world: World, fault: Fault): World {
  return { ...world, faults: { ...world.faults, [fault]: world.faults[fault] - 1 } };
}

export function at(world: World, index: number): Process {
  const process = world.processes[index];
  if (process === undefined) throw new Error(`bug: no process ${index}`);
  return process;
}

function withProcess(world: World, index: number, process: Process): World {
  return { ...world, processes: world.processes.with(index, process) };
}

function subsetsOf(indexes: readonly number[]): readonly (readonly number[])[] {
  return indexes.reduce<readonly (readonly number[])[]>((sets, index) => [...sets, ...sets.map((set) => [...set, index])], [[]]);
}
