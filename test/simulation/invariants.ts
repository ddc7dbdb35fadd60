import type { PoolStats } from '../../src/engine/statistics/stats.js';
import type { World } from './world.js';

/** The engine's deadlines pass up to this much late. */
const GRANULE_MS = 16;

/** How long a goodbye may take, in all and at the end of a pool whose borrowers are cut off. */
const CLOSE_MS = 1_000 + GRANULE_MS;
const CLOSE_BORROWED_MS = 10_000 + GRANULE_MS;

/** Resources that are older are long gone. */
const RESOURCES_WATCHED = 24;

/** What is known of the step that was taken. */
export interface StepTaken {
  /** The last call of each lane that was served from the queue before it. */
  readonly lastServedBefore: ReadonlyMap<string, number>;
  /** Everything that follows from it has happened, including what awaited promises report. */
  readonly complete: boolean;
}

/** What must hold after every step. Violations are written down in the world. */
export function checkInvariants(world: World, step: StepTaken): void {
  const stats = world.pool.stats();
  checkCounters(world, stats);
  for (const violation of world.hostility.violations()) world.violation(violation);
  checkLimit(world, stats);
  checkCalls(world, step);
  checkShares(world);
  checkProgress(world, stats, step);
  checkBounds(world, stats);
  checkTimers(world, stats, step);
  world.throwViolations();
}

function checkCounters(world: World, stats: PoolStats): void {
  const { idle, used, opening, checking, closing, total, waiting } = stats;
  const { acquires, acquired, released, timedOut, cancelled, refused, opened, closed } = stats;
  if (acquires !== acquired + timedOut + cancelled + refused + waiting) world.violation('I12: acquires do not add up');
  if (opened - closed !== total || total !== idle + used + checking + closing) world.violation('I12: entries do not add up');
  if (acquired - released !== used) world.violation(`I12: ${acquired} leases began and ${released} ended, but ${used} are out`);
  if (Math.min(idle, used, opening, checking, closing, waiting) < 0) world.violation('I12: a count is negative');
}

function checkLimit(world: World, stats: PoolStats): void {
  const { total, opening, closing, idle, limit, state } = stats;
  const entries = total + opening;
  if (idle > 0 && entries - closing > limit && state === 'running')
    world.violation(`I4: ${entries} entries of ${limit}, and ${idle} of them are kept idle`);
  world.limits.check(stats, (what) => world.violation(what));
}

function checkCalls(world: World, { lastServedBefore, complete }: StepTaken): void {
  for (const call of world.waiting.values()) {
    // Of others it is not known yet.
    if (!complete && !call.immediate) continue;
    if (world.overdue(call)) world.violation(`I2: call ${call.seq} still waits after its time`);
    if (call.seq < (lastServedBefore.get(call.lane) ?? 0)) world.violation(`I3: call ${call.seq} still waits, a later one was served`);
    if (call.seq <= world.toldUntil) world.violation(`I6: call ${call.seq} was not refused though nothing can be opened`);
  }
}

/** The callers that wait because their key has its share of the entries. What a promise will report is not known yet: any caller with a key may be one. */
function blockedOf(world: World, complete: boolean): number {
  const { fairnessLimit } = world.pool.options;
  if (fairnessLimit === 0) return 0;
  const used = world.usedByKey;
  let blocked = 0;
  for (const { key } of world.waiting.values()) {
    if (key !== undefined && (!complete || (used.get(key) ?? 0) >= fairnessLimit)) blocked += 1;
  }
  return blocked;
}

function checkShares(world: World): void {
  const { fairnessLimit } = world.pool.options;
  if (fairnessLimit === 0) return;
  for (const [key, used] of world.usedByKey) {
    if (used > fairnessLimit) world.violation(`key ${key} has ${used} entries, at most ${fairnessLimit} are its share`);
  }
}

/** No caller waits for nothing. */
function checkProgress(world: World, stats: PoolStats, { complete }: StepTaken): void {
  const { idle, used, opening, checking, total, waiting, limit, state, minIdle } = stats;
  const entries = total + opening;
  const servable = waiting - blockedOf(world, complete);
  if (waiting > 0 && (state === 'running' || state === 'draining')) {
    if (idle > 0 && checking + opening < servable) world.violation(`I2: ${servable} wait, though ${idle} entries are idle`);
    if (!world.openings.mayHoldBack && entries < limit && opening === 0 && checking < servable) {
      world.violation(`I2: ${servable} wait, there is room, and nothing is opened`);
    }
    // The timer of the next attempt, beside the housekeeper's, which a drain has stopped.
    const timers = world.clock.pendingTimers - world.clock.referencedTimers;
    if (entries === 0 && timers < (state === 'running' ? 2 : 1)) world.violation(`I2: ${waiting} wait for nothing`);
  }
  if (waiting === 0 && world.ending && idle + opening > 0) world.violation('I10: no caller waits, and the pool keeps what is idle');
  if (waiting === 0 && world.ending && entries === 0 && state !== 'closed')
    world.violation('I10: nothing is left, and the pool does not end');
  const ready = idle + used + checking >= Math.max(1, minIdle);
  if (complete && world.readinessAwaited > 0 && (ready || world.ending)) world.violation('ready() waits for nothing');
}

/** Every step of an entry, and of a shutdown, ends in time. */
function checkBounds(world: World, { used, waiting, state, total }: PoolStats): void {
  if (world.stalled) return;
  const now = world.clock.now();
  const isPast = (since: number, ms: number): boolean => now > Math.max(since, world.runsSince) + ms;
  const { validationTimeout } = world.pool.options;
  for (const resource of world.factory.resources.slice(-RESOURCES_WATCHED)) {
    if (resource.busy && isPast(resource.checkedSince, validationTimeout + GRANULE_MS))
      world.violation(`the check of ${resource.id} is overdue`);
    const closeMs = state === 'closed' ? CLOSE_BORROWED_MS : CLOSE_MS;
    if (resource.closed && resource.delivered && !resource.gone && isPast(resource.closedSince, closeMs)) {
      world.violation(`the closing of ${resource.id} is overdue`);
    }
  }
  if (state === 'draining' && isPast(world.drainDeadline, 0) && used + waiting > 0) world.violation('I10: the drain misses its deadline');
  const overdue = isPast(world.drainDeadline, CLOSE_MS) || isPast(world.closedSince, CLOSE_BORROWED_MS);
  if (world.ending && total > 0 && overdue) world.violation('I10: the end of the pool is overdue');
}

function checkTimers(world: World, { waiting, total, opening, state }: PoolStats, { complete }: StepTaken): void {
  const { pendingTimers, referencedTimers } = world.clock;
  if (waiting > 0 && referencedTimers === 0) world.violation('I11: a caller waits, and the process may end');
  if (waiting === 0 && world.readinessAwaited === 0 && !world.ending && referencedTimers > 0) {
    world.violation('I11: no caller waits, and the process may not end');
  }
  if (complete && state === 'closed' && total + opening === 0 && pendingTimers > 0)
    world.violation(`I11: ${pendingTimers} timers are left`);
}

/** What must hold when the pool has ended and everything was answered. */
export function checkEnd(world: World): void {
  const { total, opening, waiting, state } = world.pool.stats();
  if (state !== 'closed') world.violation(`the pool did not end: it is ${state}`);
  if (total + opening > 0) world.violation(`${total + opening} entries are left`);
  if (waiting > 0) world.violation(`I2: ${waiting} still wait`);
  if (world.callsSettled !== world.callsMade) world.violation(`I2: ${world.callsMade} calls, ${world.callsSettled} ended`);
  if (world.clock.pendingTimers > 0) world.violation(`I11: ${world.clock.pendingTimers} timers are left`);
  if (world.listenersLeft > 0) world.violation(`I11: ${world.listenersLeft} signals are listened to`);
  for (const resource of world.factory.resources) {
    if (resource.open && !resource.closed) world.violation(`resource ${resource.id} was never closed`);
  }
  world.throwViolations();
}
