import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { PoolErrorCode } from '../../src/engine/contract/errors.js';
import type { CeilingName, PoolState } from '../../src/engine/contract/summary.js';
import { NotingWaiter } from '../engine/support/noting-waiter.js';
import { expectCountersToAddUp, PoolFixture } from '../engine/support/pool-fixture.js';
import { catchThrownInMicrotasks } from '../engine/support/thrown-in-microtasks.js';

/** With a factory that answers at once, what a pool does follows exactly from what it was asked. This is the model of it. */
class Model {
  state: PoolState = 'running';
  connectionLimit = 2;
  readonly ceilings = new Map<CeilingName, number>();
  now = 0;
  calls = 0;
  /** Calls that hold an entry. */
  readonly holding: number[] = [];
  /** Calls that wait, in order, with their deadlines. */
  queue: { readonly call: number; readonly dueAt: number }[] = [];
  /** Calls that throw when they are served or refused. */
  readonly hostile = new Set<number>();
  /** How many have thrown. */
  thrown = 0;
  readonly refused = new Map<number, PoolErrorCode>();

  get limit(): number {
    return Math.min(this.connectionLimit, ...this.ceilings.values());
  }

  serve(): void {
    while (this.queue.length > 0 && this.holding.length < this.limit && this.state !== 'suspended') {
      const { call } = this.queue.shift() as { call: number };
      // A call that throws loses what it was given.
      if (this.hostile.has(call)) this.thrown += 1;
      else this.holding.push(call);
    }
    if (this.state === 'draining' && this.queue.length === 0 && this.holding.length === 0) this.state = 'closed';
  }

  refuse(call: number, code: PoolErrorCode): void {
    this.refused.set(call, code);
    if (this.hostile.has(call)) this.thrown += 1;
  }

  refuseAll(code: PoolErrorCode): void {
    for (const { call } of this.queue.splice(0)) this.refuse(call, code);
  }

  /** Deadlines pass at the next multiple of 16 ms. */
  passTime(ms: number): void {
    this.now += ms;
    const due = this.queue.filter(({ dueAt }) => Math.ceil(dueAt / 16) * 16 <= this.now);
    this.queue = this.queue.filter((waiting) => !due.includes(waiting));
    for (const { call } of due) this.refuse(call, this.state === 'suspended' ? 'POOL_SUSPENDED' : 'POOL_ACQUIRE_TIMEOUT');
  }
}

/** The pool, and its callers in the order in which they came. */
class Real {
  readonly waiters: NotingWaiter[] = [];

  constructor(
    readonly fixture: PoolFixture,
    /** What has come out of the pool's microtasks. */
    readonly thrown: readonly unknown[],
  ) {}

  async settle(): Promise<void> {
    await this.fixture.clock.settle();
  }

  async agreesWith(model: Model): Promise<void> {
    await this.settle();
    const { stats } = this.fixture;
    expectCountersToAddUp(stats);
    const holding = this.waiters.flatMap(({ lease }, call) => (lease?.active === true ? [call] : []));
    expect({
      state: stats.state,
      limit: stats.limit,
      holding,
      waiting: this.waiters.flatMap(({ queued }, call) => (queued ? [call] : [])),
      refused: new Map(this.waiters.flatMap(({ error }, call) => (error === undefined ? [] : [[call, error.code]]))),
      used: stats.used,
      openings: stats.opening,
      thrown: this.thrown.length,
    }).toEqual({
      state: model.state,
      limit: model.limit,
      holding: [...model.holding].sort((a, b) => a - b),
      waiting: model.queue.map(({ call }) => call),
      refused: new Map([...model.refused].sort(([a], [b]) => a - b)),
      used: model.holding.length,
      openings: 0,
      thrown: model.thrown,
    });
    expect(stats.total).toBeLessThanOrEqual(Math.max(model.limit, model.holding.length));
  }
}

/** A command that picks its subject by number, so that it can be made before there is one. */
abstract class PoolCommand implements fc.AsyncCommand<Model, Real> {
  constructor(readonly number: number) {}

  check(_model: Readonly<Model>): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.act(model, real);
    model.serve();
    await real.agreesWith(model);
  }

  toString(): string {
    return `${this.constructor.name}(${this.number})`;
  }

  protected abstract act(model: Model, real: Real): void | Promise<void>;

  protected pick<T>(list: readonly T[]): T {
    return list[this.number % list.length] as T;
  }
}

class Acquire extends PoolCommand {
  act(model: Model, real: Real): void {
    const timeout = this.pick([0, 0, 50, 400]);
    const call = model.calls;
    model.calls += 1;
    const waiter = this.waiter(model, call);
    if (model.state === 'draining' || model.state === 'closed')
      model.refuse(call, `POOL_${model.state === 'closed' ? 'CLOSED' : 'DRAINING'}`);
    else model.queue.push({ call, dueAt: timeout === 0 ? Number.POSITIVE_INFINITY : model.now + timeout });
    real.waiters.push(waiter);
    real.fixture.pool.enqueue(waiter, { timeout });
  }

  protected waiter(_model: Model, _call: number): NotingWaiter {
    return new NotingWaiter();
  }
}

/** A caller whose waiter throws, served or refused. */
class AcquireAndThrow extends Acquire {
  protected override waiter(model: Model, call: number): NotingWaiter {
    const fail = (): never => {
      throw new Error(`thrown by call ${call}`);
    };
    model.hostile.add(call);
    return new NotingWaiter(fail, fail);
  }
}

/** A borrower gives back, destroys, or loses what it holds. */
class End extends PoolCommand {
  override check(model: Readonly<Model>): boolean {
    return model.holding.length > 0;
  }

  act(model: Model, real: Real): void {
    const call = this.pick(model.holding);
    model.holding.splice(model.holding.indexOf(call), 1);
    const lease = real.waiters[call]?.lease;
    const how = this.pick(['release', 'release', 'release', 'destroy', 'lose']);
    if (how === 'lose') lease?.resource.lose();
    else expect(how === 'release' ? lease?.release() : lease?.destroy()).toBe(true);
    expect(lease?.release()).toBe(false);
  }
}

class Cancel extends PoolCommand {
  override check(model: Readonly<Model>): boolean {
    return model.queue.length > 0;
  }

  act(model: Model, real: Real): void {
    const { call } = this.pick(model.queue);
    model.queue = model.queue.filter((waiting) => waiting.call !== call);
    model.refuse(call, 'POOL_ABORTED');
    expect(real.fixture.pool.cancel(real.waiters[call] as NotingWaiter, 'enough')).toBe(true);
  }
}

class Resize extends PoolCommand {
  act(model: Model, real: Real): void {
    model.connectionLimit = 1 + (this.number % 4);
    real.fixture.pool.resize({ connectionLimit: model.connectionLimit });
  }
}

class SetCeiling extends PoolCommand {
  act(model: Model, real: Real): void {
    const name = this.pick(['fleet', 'size'] as const);
    const count = this.pick([undefined, 1, 2, 3, 5]);
    if (count === undefined) model.ceilings.delete(name);
    else model.ceilings.set(name, count);
    real.fixture.pool.setCeiling(name, count);
  }
}

class Evict extends PoolCommand {
  act(_model: Model, real: Real): void {
    real.fixture.pool.evict();
  }
}

class SuspendOrResume extends PoolCommand {
  act(model: Model, real: Real): void {
    const { pool } = real.fixture;
    if (this.number % 3 === 0) {
      pool.suspend();
      if (model.state === 'running') model.state = 'suspended';
    } else {
      pool.resume();
      if (model.state === 'suspended') model.state = 'running';
    }
  }
}

class Wait extends PoolCommand {
  async act(model: Model, real: Real): Promise<void> {
    const ms = this.pick([1, 16, 60, 1_500]);
    await real.fixture.clock.advance(ms);
    model.passTime(ms);
  }
}

class Drain extends PoolCommand {
  act(model: Model, real: Real): void {
    void real.fixture.pool.drain({ timeout: Number.POSITIVE_INFINITY });
    if (model.state === 'suspended') model.refuseAll('POOL_DRAINING');
    if (model.state !== 'closed') model.state = 'draining';
  }
}

class Close extends PoolCommand {
  act(model: Model, real: Real): void {
    void real.fixture.pool.close();
    model.state = 'closed';
    model.holding.length = 0;
    model.refuseAll('POOL_CLOSED');
  }
}

function commandsOf(...kinds: (new (number: number) => PoolCommand)[]): fc.Arbitrary<PoolCommand>[] {
  return kinds.map((Kind) => fc.nat(1_000).map((number) => new Kind(number)));
}

const seed = Number(process.env['SIMULATION_COMMANDS_SEED'] ?? Date.now() % 2 ** 31);

it(`I1–I4, I12: a pool whose factory answers at once does what the model says (seed ${seed})`, async () => {
  const often = commandsOf(
    Acquire,
    Acquire,
    Acquire,
    AcquireAndThrow,
    End,
    End,
    End,
    Cancel,
    Resize,
    SetCeiling,
    Evict,
    SuspendOrResume,
    Wait,
    Wait,
  );
  const commands = fc.commands([...often, ...commandsOf(Drain, Close)], { maxCommands: 80, size: 'max' });
  const property = fc.asyncProperty(commands, async (steps) => {
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    try {
      await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, validateAfterIdle: 30 });
      const model = new Model();
      model.now = fixture.clock.now();
      await fc.asyncModelRun(() => ({ model, real: new Real(fixture, thrown) }), steps);
    } finally {
      restore();
    }
  });
  const outcome = await fc.check(property, { seed, numRuns: 1_500 });
  const again = `To see it again: SIMULATION_COMMANDS_SEED=${seed} npx vitest run test/simulation/commands.test.ts`;
  expect(outcome.failed, `${again}\n${fc.defaultReportMessage(outcome) ?? ''}`).toBe(false);
});
