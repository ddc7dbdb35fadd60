import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LONGEST_TIMER_MS } from '../../../src/engine/contract/clock.js';
import { Deadline, DeadlineQueue } from '../../../src/engine/waiting/deadlines.js';
import { FakeClock } from '../support/fake-clock.js';
import { catchThrownInMicrotasks } from '../support/thrown-in-microtasks.js';

/** The engine rounds deadlines up to a multiple of this. */
const GRANULE_MS = 16;

class Noted extends Deadline {
  expiredAt: number | undefined = undefined;

  constructor(
    readonly dueAt: number,
    private readonly onExpire: () => void = () => undefined,
  ) {
    super();
  }

  override expire(now: number): void {
    expect(this.expiredAt).toBeUndefined();
    this.expiredAt = now;
    this.onExpire();
  }
}

/** With fractions, as the system's clock has them. */
function milliseconds(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max: max * 1000 }).map((microseconds) => microseconds / 1000);
}

function queueOn(clock: FakeClock, holdsProcess = true): DeadlineQueue {
  return new DeadlineQueue(clock, { holdsProcess });
}

describe('DeadlineQueue', () => {
  it('passes every deadline once, never early and at most one granule late', async () => {
    const operation = fc.oneof(
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), ms: milliseconds(5_000) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), ms: fc.nat() }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: milliseconds(700) }) },
    );
    await fc.assert(
      fc.asyncProperty(milliseconds(1_000_000), fc.array(operation, { maxLength: 60 }), async (startAt, operations) => {
        const clock = new FakeClock(startAt, () => Promise.resolve());
        const queue = queueOn(clock);
        const pending: Noted[] = [];
        const removed: Noted[] = [];
        for (const { kind, ms } of operations) {
          if (kind === 'add') {
            const deadline = new Noted(clock.now() + ms);
            queue.add(deadline, deadline.dueAt);
            pending.push(deadline);
          } else if (kind === 'remove' && pending.length > 0) {
            const [deadline] = pending.splice(ms % pending.length, 1) as [Noted];
            queue.remove(deadline);
            if (deadline.expiredAt === undefined) removed.push(deadline);
          } else if (kind === 'advance') {
            await clock.advance(ms);
          }
          const live = pending.filter(({ expiredAt }) => expiredAt === undefined);
          expect(queue.size).toBe(live.length);
          expect(clock.referencedTimers).toBe(live.length > 0 ? 1 : 0);
          const inTime = ({ dueAt, expiredAt }: Noted): boolean =>
            expiredAt === undefined ? dueAt + GRANULE_MS >= clock.now() : expiredAt >= dueAt && expiredAt - dueAt <= GRANULE_MS;
          expect(pending.filter((deadline) => !inTime(deadline))).toEqual([]);
        }
        await clock.advance(10_000);
        expect(queue.size).toBe(0);
        expect(pending.every(({ expiredAt }) => expiredAt !== undefined)).toBe(true);
        expect(removed.every(({ expiredAt }) => expiredAt === undefined)).toBe(true);
        expect(clock.pendingTimers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });

  it('passes what is due after a stall in the order of the deadlines', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const order: number[] = [];
    for (const dueAt of [500, 20, 300, 100]) queue.add(new Noted(dueAt, () => order.push(dueAt)), dueAt);
    clock.stall(10_000);
    await clock.advance(0);
    expect(order).toEqual([20, 100, 300, 500]);
  });

  it('sets one timer for any number of deadlines with the same or later moments', () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    for (let i = 0; i < 10_000; i += 1) queue.add(new Noted(1_000 + i), 1_000 + i);
    expect(clock.timersSet).toBe(1);
    expect(queue.size).toBe(10_000);
  });

  it('sets its timer again for an earlier deadline', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const late = new Noted(1_000);
    const early = new Noted(100);
    queue.add(late, late.dueAt);
    queue.add(early, early.dueAt);
    await clock.advance(112);
    expect(early.expiredAt).toBe(112);
    expect(late.expiredAt).toBeUndefined();
    await clock.advance(1_000);
    expect(late.expiredAt).toBe(1_008);
  });

  it('passes nothing that was due after the last look at the sockets, before the next look', async () => {
    const clock = new FakeClock();
    const setTimer = clock.setTimer.bind(clock);
    const stalls = [100, 0];
    clock.setTimer = (callback, delayMs) =>
      setTimer((readUntil) => {
        clock.stall(stalls.shift() as number);
        callback(readUntil);
      }, delayMs);
    const queue = queueOn(clock);
    const [due, answered, late] = [10, 40, 40].map((ms) => new Noted(ms)) as [Noted, Noted, Noted];
    for (const deadline of [due, answered, late]) queue.add(deadline, deadline.dueAt);
    await clock.advance(16);
    expect([due.expiredAt, answered.expiredAt, late.expiredAt]).toEqual([116, undefined, undefined]);
    queue.remove(answered);
    await clock.advance(0);
    expect([answered.expiredAt, late.expiredAt]).toEqual([undefined, 116]);
  });

  it('passes everything that is due when the clock does not say until when it has read', async () => {
    const clock = new FakeClock();
    const setTimer = clock.setTimer.bind(clock);
    clock.setTimer = (callback, delayMs) => setTimer(() => callback(), delayMs);
    const queue = queueOn(clock);
    const deadlines = [10, 40].map((ms) => new Noted(ms));
    for (const deadline of deadlines) queue.add(deadline, deadline.dueAt);
    await clock.advance(100);
    expect(deadlines.map(({ expiredAt }) => expiredAt)).toEqual([16, 48]);
  });

  it('keeps its timer when a deadline is taken out, without keeping the process alive', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const deadline = new Noted(100);
    queue.add(deadline, 100);
    queue.remove(deadline);
    expect([clock.timersSet, clock.pendingTimers, clock.referencedTimers]).toEqual([1, 1, 0]);
    queue.add(deadline, 200);
    expect([clock.timersSet, clock.pendingTimers, clock.referencedTimers]).toEqual([1, 1, 1]);
    await clock.advance(300);
    expect(deadline.expiredAt).toBe(208);
    expect(clock.pendingTimers).toBe(0);
  });

  it('removing a deadline that has passed, or was never added, does nothing', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const deadline = new Noted(10);
    queue.remove(deadline);
    queue.add(deadline, 10);
    await clock.advance(50);
    queue.remove(deadline);
    expect(queue.size).toBe(0);
    expect(deadline.expiredAt).toBe(16);
  });

  it('removes deadlines from the front, the middle and the end of a granule', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const deadlines = [1, 2, 3, 4, 5].map((ms) => new Noted(ms));
    for (const deadline of deadlines) queue.add(deadline, deadline.dueAt);
    for (const index of [0, 2, 4]) queue.remove(deadlines[index] as Noted);
    await clock.advance(100);
    expect(deadlines.map(({ expiredAt }) => expiredAt)).toEqual([undefined, 16, undefined, 16, undefined]);
  });

  it('an endless deadline never passes, but keeps the process alive', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const endless = new Noted(Number.POSITIVE_INFINITY);
    queue.add(endless, endless.dueAt);
    expect(clock.referencedTimers).toBe(1);
    await clock.advance(2 * LONGEST_TIMER_MS);
    expect(endless.expiredAt).toBeUndefined();
    expect(clock.referencedTimers).toBe(1);
    queue.remove(endless);
    expect(clock.referencedTimers).toBe(0);
  });

  it('an endless deadline still keeps the process alive when others have passed', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    queue.add(new Noted(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
    const finite = new Noted(50);
    queue.add(finite, 50);
    await clock.advance(100);
    expect(finite.expiredAt).toBe(64);
    expect(clock.referencedTimers).toBe(1);
  });

  it('never keeps the process alive when it is not to', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock, false);
    const first = new Noted(100);
    queue.add(first, 100);
    expect([clock.pendingTimers, clock.referencedTimers]).toEqual([1, 0]);
    queue.remove(first);
    queue.add(first, 150);
    queue.add(new Noted(50), 50);
    expect([clock.pendingTimers, clock.referencedTimers]).toEqual([1, 0]);
    await clock.advance(70);
    expect([clock.pendingTimers, clock.referencedTimers]).toEqual([1, 0]);
  });

  it('deadlines may be added and removed while others pass', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const third = new Noted(12);
    const added = new Noted(40);
    const first = new Noted(10, () => {
      queue.remove(third);
      queue.add(added, 40);
    });
    const second = new Noted(11);
    for (const deadline of [first, second, third]) queue.add(deadline, deadline.dueAt);
    await clock.advance(100);
    expect([first, second, third, added].map(({ expiredAt }) => expiredAt)).toEqual([16, 16, undefined, 48]);
  });

  it('an owner that throws is the process’s problem: the other deadlines pass in time', async () => {
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    try {
      const clock = new FakeClock();
      const queue = queueOn(clock);
      const bug = new Error('a bug of the owner');
      const throwing = new Noted(10, () => {
        throw bug;
      });
      const others = [new Noted(10), new Noted(40), new Noted(500)];
      for (const deadline of [throwing, ...others]) queue.add(deadline, deadline.dueAt);
      clock.stall(100);
      await clock.advance(1_000);
      expect(others.map(({ expiredAt }) => expiredAt)).toEqual([100, 100, 512]);
      expect(thrown).toEqual([bug]);
    } finally {
      restore();
    }
  });

  it('after stop() nothing passes and no timer is left', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const deadline = new Noted(10);
    queue.add(deadline, 10);
    queue.stop();
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(100);
    expect(deadline.expiredAt).toBeUndefined();
  });

  it('waits for moments beyond the longest timer of Node', async () => {
    const clock = new FakeClock();
    const queue = queueOn(clock);
    const far = new Noted(3 * LONGEST_TIMER_MS);
    queue.add(far, far.dueAt);
    await clock.advance(2.5 * LONGEST_TIMER_MS);
    expect(far.expiredAt).toBeUndefined();
    await clock.advance(LONGEST_TIMER_MS);
    expect((far.expiredAt as number) - far.dueAt).toSatisfy((lateMs: number) => lateMs >= 0 && lateMs <= GRANULE_MS);
  });
});
