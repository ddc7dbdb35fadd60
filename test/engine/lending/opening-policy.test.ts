import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OpeningPolicy } from '../../../src/engine/lending/opening-policy.js';

const demand = { unserved: 1, queuedMs: 0, queued: 1, served: 0, opening: 0, busy: 0, room: 20 };

describe('OpeningPolicy', () => {
  it('opens for every waiter while it knows nothing, up to ten at a time', () => {
    const policy = new OpeningPolicy(() => 0.5);
    expect(policy.openingsForWaiters({ ...demand, unserved: 3 }, 0)).toBe(3);
    expect(policy.openingsForWaiters({ ...demand, unserved: 3, busy: 8 }, 0)).toBe(3);
    expect(policy.openingsForWaiters({ ...demand, unserved: 500 }, 0)).toBe(10);
    expect(policy.openingsForWaiters({ ...demand, unserved: 500, opening: 7 }, 0)).toBe(3);
    expect(policy.openingsForWaiters({ ...demand, unserved: 500, opening: 12 }, 0)).toBe(0);
    expect(policy.openingsForWaiters({ ...demand, unserved: 500, room: 2 }, 0)).toBe(2);
    expect(policy.openingsForWaiters({ ...demand, unserved: 500, room: -2 }, 0)).toBe(0);
  });

  it('I5: opens one, not many, when the busy entries will have served every waiter before an opening is done', () => {
    const policy = new OpeningPolicy(() => 0.5);
    policy.noteOpening(150);
    policy.noteUse(2, 1_000);
    expect(policy.openingsForWaiters({ ...demand, unserved: 45, opening: 0, busy: 5, room: 15 }, 1_000)).toBe(1);
    expect(policy.openingsForWaiters({ ...demand, unserved: 45, opening: 1, busy: 5, room: 14 }, 1_000)).toBe(0);
  });

  it('opens for those whom the busy entries will not have served by then', () => {
    const policy = new OpeningPolicy(() => 0.5);
    policy.noteOpening(100);
    policy.noteUse(50, 1_000);
    // Two busy entries end four uses in the time of an opening.
    expect(policy.openingsForWaiters({ ...demand, unserved: 9, opening: 0, busy: 2, room: 18 }, 1_000)).toBe(5);
  });

  it('expects nothing of entries that have not moved for longer than their uses of the past', () => {
    const policy = new OpeningPolicy(() => 0.5);
    policy.noteOpening(100);
    policy.noteUse(1, 1_000);
    expect(policy.openingsForWaiters({ ...demand, unserved: 8, opening: 0, busy: 4, room: 16 }, 1_000)).toBe(1);
    expect(policy.openingsForWaiters({ ...demand, unserved: 8, opening: 0, busy: 4, room: 16 }, 61_000)).toBe(8);
    policy.noteLease(61_000);
    expect(policy.openingsForWaiters({ ...demand, unserved: 8, opening: 0, busy: 4, room: 16 }, 61_000)).toBe(1);
  });

  it('opens for every waiter when the queue has lasted as long as an opening takes', () => {
    const policy = new OpeningPolicy(() => 0.5);
    policy.noteOpening(150);
    policy.noteUse(2, 1_000);
    const burst = { ...demand, unserved: 8, opening: 1, busy: 5 };
    expect(policy.openingsForWaiters({ ...burst, queuedMs: 149 }, 1_000)).toBe(0);
    expect(policy.openingsForWaiters({ ...burst, queuedMs: 150 }, 1_000)).toBe(8);
    // Twice ten after one success, one of them in flight.
    expect(policy.openingsForWaiters({ ...burst, unserved: 45, room: 45, queuedMs: 150 }, 1_000)).toBe(19);
  });

  it('opens for all when the queue is as long after two uses of each busy entry, and for most of them after one', () => {
    const policy = new OpeningPolicy(() => 0.5);
    policy.noteOpening(150);
    policy.noteUse(20, 1_000);
    const queue = { ...demand, unserved: 45, queued: 45, busy: 5, opening: 8, room: 42 };
    // The five are expected to serve 37 in the time of an opening.
    expect(policy.openingsForWaiters({ ...queue, opening: 0 }, 1_000)).toBe(8);
    expect(policy.openingsForWaiters({ ...queue, unserved: 37, served: 4 }, 1_020)).toBe(0);
    policy.noteUse(20, 1_020);
    expect(policy.openingsForWaiters({ ...queue, unserved: 37, served: 5 }, 1_020)).toBe(12);
    policy.noteUse(20, 1_040);
    // 45 that wait, of whom 20 are served already by what is on its way; 40 at a time after many successes.
    policy.noteOpening(150);
    expect(policy.openingsForWaiters({ ...queue, unserved: 25, opening: 20, served: 10 }, 1_040)).toBe(20);
  });

  it('I5: opens for none of a queue that shrinks with each use, and begins to look again with the next queue', () => {
    const policy = new OpeningPolicy(() => 0.5);
    policy.noteOpening(150);
    policy.noteUse(2, 1_000);
    const queue = { ...demand, busy: 5, opening: 1, room: 44 };
    for (let served = 0; served < 45; served += 5) {
      const left = 45 - served;
      expect(policy.openingsForWaiters({ ...queue, unserved: left - 1, queued: left, served }, 1_000 + served)).toBe(0);
      policy.noteUse(2, 1_000 + served);
    }
    for (let served = 0; served <= 10; served += 5) policy.openingsForWaiters({ ...queue, unserved: 44, queued: 45, served }, 1_050);
    policy.noteUse(2, 1_060);
    expect(policy.openingsForWaiters({ ...queue, unserved: 44, queued: 45, served: 0 }, 1_060)).toBe(0);
  });

  it('opens one for uses that take no time at all', () => {
    const policy = new OpeningPolicy(() => 0.5);
    policy.noteOpening(100);
    policy.noteUse(0, 0);
    expect(policy.openingsForWaiters({ ...demand, unserved: 50, opening: 0, busy: 1, room: 16 }, 0)).toBe(1);
  });

  it('fills the reserve, within the room and ten at a time', () => {
    const policy = new OpeningPolicy(() => 0.5);
    expect(policy.openingsForReserve(3, 0, 20, 0)).toBe(3);
    expect(policy.openingsForReserve(3, 0, 2, 0)).toBe(2);
    expect(policy.openingsForReserve(50, 4, 100, 0)).toBe(6);
    expect(policy.openingsForReserve(3, 0, -1, 0)).toBe(0);
    expect(policy.openingsForReserve(0, 0, 20, 0)).toBe(0);
  });

  it('I6: after a failure tries one opening at a time, not before its delay is over', () => {
    const policy = new OpeningPolicy(() => 0.5);
    policy.noteFailure(1_000, false);
    // 50 + half of (3 × 50 − 50)
    expect(policy.retryAt).toBe(1_100);
    expect(policy.failing).toBe(true);
    expect(policy.openingsForWaiters({ ...demand, unserved: 50 }, 1_099)).toBe(0);
    expect(policy.openingsForWaiters({ ...demand, unserved: 50 }, 1_100)).toBe(1);
    expect(policy.openingsForWaiters({ ...demand, unserved: 50, opening: 1 }, 1_100)).toBe(0);
    expect(policy.openingsForWaiters({ ...demand, unserved: 50, room: 0 }, 1_100)).toBe(0);
    expect(policy.openingsForReserve(5, 0, 20, 1_099)).toBe(0);
    expect(policy.openingsForReserve(5, 0, 20, 1_100)).toBe(1);
    expect(policy.openingsForReserve(0, 0, 20, 1_100)).toBe(0);
    expect(policy.openingsForReserve(5, 1, 20, 1_100)).toBe(0);
  });

  it('I6: delays are random between 50 ms and three times the last one, at most 750 ms, or 5 s for permanent failures', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), permanent: fc.boolean() }), {
          maxLength: 40,
        }),
        (failures) => {
          let draw = 0;
          const policy = new OpeningPolicy(() => draw);
          let last = 50;
          for (const { random, permanent } of failures) {
            draw = random;
            policy.noteFailure(0, permanent);
            expect(policy.retryAt).toBeGreaterThanOrEqual(50);
            expect(policy.retryAt).toBeLessThanOrEqual(Math.min(3 * last, permanent ? 5_000 : 750));
            last = policy.retryAt;
          }
        },
      ),
    );
  });

  it('a success ends the backoff and forgets it', () => {
    const policy = new OpeningPolicy(() => 0.99);
    for (let i = 0; i < 10; i += 1) policy.noteFailure(0, false);
    expect(policy.retryAt).toBe(750);
    policy.noteOpening(10);
    expect(policy.failing).toBe(false);
    policy.noteFailure(0, false);
    expect(policy.retryAt).toBeLessThanOrEqual(150);
  });
});
