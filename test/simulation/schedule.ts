import { PRIORITIES } from '../../src/engine/queue/fair-queue.js';
import type { AcquireOptions } from '../../src/engine/lending/acquire-options.js';
import { seededRandom } from '../engine/support/random.js';
import { catchThrownInMicrotasks } from '../engine/support/thrown-in-microtasks.js';
import { SimulatedWaiter } from './callers.js';
import { Dice } from './dice.js';
import { checkEnd, checkInvariants } from './invariants.js';
import { microtasks } from '../engine/support/microtasks.js';
import { HEALTHY, MOODS } from './simulated-factory.js';
import { Violation, World } from './world.js';

/** A step, and how often it is taken. */
const STEPS = {
  acquire: 20,
  tryAcquire: 4,
  release: 22,
  releaseAgain: 4,
  destroy: 3,
  evictLease: 2,
  cancel: 3,
  abort: 3,
  answer: 22,
  lose: 4,
  doom: 2,
  advance: 12,
  stall: 1,
  mood: 2,
  evict: 1,
  resize: 1.5,
  ceiling: 1.5,
  suspend: 1,
  resume: 3,
  ready: 0.7,
  drain: 0.25,
  close: 0.2,
} as const;

export type StepName = keyof typeof STEPS;

/** What is done from inside callbacks of the pool. */
const REENTRANT_STEPS = {
  nothing: 60,
  acquire: 6,
  tryAcquire: 3,
  release: 8,
  destroy: 2,
  cancel: 2,
  lose: 1,
  evict: 1,
  resize: 0.5,
  ceiling: 0.5,
  suspend: 0.5,
  resume: 1,
  drain: 0.1,
  close: 0.1,
};

/** What hostile callers do there, before they may throw. */
const HOSTILE_STEPS: typeof REENTRANT_STEPS = {
  nothing: 20,
  acquire: 8,
  tryAcquire: 4,
  release: 12,
  destroy: 5,
  cancel: 5,
  lose: 2,
  evict: 2,
  resize: 1,
  ceiling: 1,
  suspend: 1.5,
  resume: 2,
  drain: 0.2,
  close: 0.2,
};

/** How often a hostile callback throws, in percent. */
const HOSTILITY = 30;

const ADVANCES_MS = [0, 0.4, 1, 5, 16, 17, 50, 100, 300, 1_000, 1_000, 2_000, 6_000];

/** Rounds in which every call is answered, and more time passes than any deadline or bound of the engine. */
const SETTLING_ROUNDS = 40;

/** Takes one step. */
export async function takeStep(world: World, name: StepName): Promise<void> {
  const { dice, pool, factory } = world;
  switch (name) {
    case 'acquire':
      acquire(world);
      return;
    case 'tryAcquire':
      world.tryAcquire();
      return;
    case 'release':
      if (world.leases.length > 0) world.release(dice.below(world.leases.length));
      return;
    case 'releaseAgain':
      if (world.endedLeases.length > 0) world.releaseAgain(dice.below(world.endedLeases.length));
      return;
    case 'destroy':
      if (world.leases.length > 0) world.destroy(dice.below(world.leases.length));
      return;
    case 'evictLease':
      if (world.leases.length > 0) world.evictLease(dice.of(world.leases));
      return;
    case 'cancel': {
      const waiters = [...world.waiting.values()].filter((call) => call instanceof SimulatedWaiter);
      if (waiters.length > 0) world.cancel(dice.of(waiters));
      return;
    }
    case 'abort': {
      const calls = [...world.waiting.values()].filter(({ controller }) => controller !== undefined);
      if (calls.length > 0) world.abort(dice.of(calls));
      return;
    }
    case 'answer':
      if (factory.held.length > 0) world.answer(dice.below(factory.held.length), dice.chance(20) ? new Error('failed late') : undefined);
      return;
    case 'lose': {
      const alive = factory.resources.slice(-12).filter(({ lost }) => !lost);
      if (alive.length > 0) world.lose(dice.of(alive));
      return;
    }
    case 'doom':
      if (factory.resources.length > 0) world.doom(dice.of(factory.resources.slice(-8)));
      return;
    case 'advance':
      await world.advance(dice.of(ADVANCES_MS));
      return;
    case 'stall':
      await world.stall(dice.of([1, 100, 1_500, 20_000]));
      return;
    case 'mood':
      factory.mood = dice.of(MOODS);
      return;
    case 'evict':
      world.evict();
      return;
    case 'resize': {
      const limit = 1 + dice.below(6);
      world.limits.resize(limit, dice.below(Math.min(limit, pool.options.maxIdle) + 1));
      return;
    }
    case 'ceiling':
      world.limits.setCeiling(dice.of(['fleet', 'size']), dice.chance(30) ? undefined : 1 + dice.below(6));
      return;
    case 'suspend':
      pool.suspend();
      return;
    case 'resume':
      pool.resume();
      return;
    case 'ready':
      world.ready(dice.of([0, 100, 5_000]));
      return;
    case 'drain':
      world.drain(dice.of([0, 100, 3_000, Number.POSITIVE_INFINITY]), dice.of(['serve', 'refuse']));
      return;
    case 'close':
      world.close();
  }
}

function acquire(world: World): void {
  const { dice } = world;
  const timeout = dice.chance(40) ? dice.of([0, 1, 30, 1_000, Number.POSITIVE_INFINITY]) : undefined;
  const controller = dice.chance(25) ? new AbortController() : undefined;
  if (controller !== undefined && dice.chance(8)) controller.abort('gone before');
  const place = world.pool.options.scheduling === 'fair' ? placeOf(dice) : undefined;
  const limit = dice.chance(2) ? { timeout: Number.NaN } : timeout === undefined ? undefined : { timeout };
  const options = limit === undefined && place === undefined ? undefined : { ...limit, ...place };
  world.acquire(dice.chance(65), options, controller);
}

/** How urgent, and on whose behalf. */
function placeOf(dice: Dice): Pick<AcquireOptions, 'priority' | 'fairnessKey'> {
  return {
    ...(dice.chance(50) ? { priority: dice.of(PRIORITIES) } : {}),
    ...(dice.chance(70) ? { fairnessKey: dice.of(['a', 'b', 'c']) } : {}),
  };
}

function reenter(world: World, steps: typeof REENTRANT_STEPS): void {
  const name = world.dice.weighted(steps);
  // None of these takes time.
  if (name !== 'nothing') void takeStep(world, name);
}

/** Ends what the schedule has begun: everything is answered, given back and closed. */
async function settle(world: World): Promise<void> {
  const { factory, pool } = world;
  world.beginStep();
  world.reenter = () => undefined;
  factory.mood = HEALTHY;
  pool.resume();
  for (let round = 0; round < SETTLING_ROUNDS; round += 1) {
    while (factory.held.length > 0) world.answer(0);
    while (world.leases.length > 0) world.release(0);
    await world.advance(round < 20 ? 50 : 1_000);
    checkInvariants(world, { lastServedBefore: new Map(), complete: true });
    if (world.waiting.size === 0 && world.leases.length === 0 && factory.held.length === 0 && world.readinessAwaited === 0) break;
  }
  if (world.waiting.size > 0) world.violation(`I2: ${world.waiting.size} calls hang`);
  if (world.dice.chance(50)) world.drain(5_000, 'serve');
  else world.close();
  await world.advance(100);
  while (factory.held.length > 0) world.answer(0);
  await world.advance(12_000);
  checkEnd(world);
}

/** One schedule of random steps from beginning to end. The same seed takes the same steps. Returns how many it took. */
export async function runSchedule(seed: number, steps: number, trace?: (step: string) => void): Promise<number> {
  const dice = new Dice(seededRandom(seed));
  const world = new World(dice, seededRandom(seed ^ 0x5eed));
  world.reenter = () => reenter(world, REENTRANT_STEPS);
  await run(world, steps, trace);
  return steps;
}

/**
 * The same among hostile callers: waiters, listeners and observers that use the pool from inside its callbacks, and throw there. Each of their
 * errors must come out once, after the transition, in the order in which they were thrown.
 */
export async function runHostileSchedule(seed: number, steps: number, trace?: (step: string) => void): Promise<number> {
  const dice = new Dice(seededRandom(seed));
  const cameOut: unknown[] = [];
  const restore = catchThrownInMicrotasks(cameOut);
  try {
    const world = new World(dice, seededRandom(seed ^ 0x5eed), HOSTILITY);
    world.reenter = () => reenter(world, HOSTILE_STEPS);
    await run(world, steps, trace);
    const { thrown } = world.hostility;
    if (cameOut.length !== thrown.length || thrown.some((error, index) => error !== cameOut[index])) {
      throw new Violation(
        `${thrown.length} errors were thrown inside callbacks, and ${cameOut.length} came out: ${cameOut.map(String).join('; ')}`,
      );
    }
  } finally {
    restore();
  }
  return steps;
}

async function run(world: World, steps: number, trace: (step: string) => void = () => undefined): Promise<void> {
  const { dice } = world;
  world.factory.mood = dice.of(MOODS);
  world.pool.on('stateChanged', ({ to }) => {
    if (to === 'draining' && dice.chance(10)) world.close();
  });
  for (let step = 0; step < steps; step += 1) {
    const name = dice.weighted(STEPS);
    trace(`${step}: ${name}`);
    const lastServed = new Map(world.lastServed);
    world.beginStep();
    await takeStep(world, name);
    // Some steps follow each other in one turn of the event loop, or in the middle of the microtasks of the last one.
    const turn = dice.below(10);
    if (turn >= 4) await world.clock.settle();
    else await microtasks(turn);
    checkInvariants(world, { lastServedBefore: lastServed, complete: turn >= 4 });
  }
  await world.clock.settle();
  await settle(world);
}
