import { describe, expect, it } from 'vitest';
import { Marks } from '../../../src/cache/invalidation/marks.js';
import { InvalidationLedger } from '../../../src/cache/redis/ledger.js';
import { waitFor } from '../../support/wait-for.js';
import { FakeRedis } from '../support/fake-redis.js';

/** A busy machine must get around to proving within this that nothing was missed; the tests wait for it side by side. */
const BOUND_MS = 1_500;
const A = ['t:a'];

interface Process extends Disposable {
  readonly ledger: InvalidationLedger;
  readonly marks: Marks;
  readonly failures: unknown[];
  /** Returns whether what was loaded when this was called is still good in this process's memory. */
  loaded(names: readonly string[]): () => boolean;
}

function startProcess(redis: FakeRedis): Process {
  const marks = new Marks();
  const failures: unknown[] = [];
  const ledger = new InvalidationLedger(
    redis.client('reader'),
    redis.client('writer'),
    marks,
    { prefix: 'p', boundMs: BOUND_MS, timeoutMs: BOUND_MS },
    { failed: (error) => void failures.push(error), proven: () => undefined },
  );
  return {
    ledger,
    marks,
    failures,
    loaded: (names) => {
      const depends = marks.marksOf(names);
      const { sequence } = marks;
      return () => marks.isGoodSince(depends, sequence);
    },
    [Symbol.dispose]: () => ledger.close(),
  };
}

async function live({ ledger }: Process): Promise<void> {
  await waitFor('the ledger to be live', () => ledger.isLive(performance.now()));
}

describe.concurrent('the ledger', () => {
  it('is not live before it has waited for what others could not publish', async () => {
    using one = startProcess(new FakeRedis());
    const startedAt = performance.now();
    await live(one);
    expect(performance.now() - startedAt).toBeGreaterThan(BOUND_MS);
    expect(one.ledger.liveIn(performance.now())).toBe(0);
    expect(one.ledger.breaks).toBeGreaterThan(0);
  });

  it('takes an invalidation to all processes, and its own back only once', async () => {
    const redis = new FakeRedis();
    using one = startProcess(redis);
    using two = startProcess(redis);
    await Promise.all([live(one), live(two)]);
    const [here, there, other] = [one.loaded(A), two.loaded(A), two.loaded(['t:b'])];
    const published = one.ledger.invalidate(A);
    expect(here()).toBe(false);
    await published;
    const after = one.loaded(A);
    await waitFor('the other to read it', () => !there());
    await waitFor('the process to read its own', () => one.ledger.position === 1);
    expect([after(), other(), one.ledger.backlog]).toEqual([true, true, 0]);
    expect([one.marks.isGoodAt(one.marks.marksOf(A), 0), one.marks.isGoodAt(one.marks.marksOf(A), 1)]).toEqual([false, true]);
  });

  it('keeps what Redis refuses, and publishes it later, once', async () => {
    const redis = new FakeRedis();
    using one = startProcess(redis);
    using two = startProcess(redis);
    await Promise.all([live(one), live(two)]);
    const there = two.loaded(A);
    redis.refusal = new Error('LOADING');
    await one.ledger.invalidate(A);
    await one.ledger.invalidate(A);
    expect(one.ledger.backlog).toBe(1);
    expect(one.failures).toContain(redis.refusal);
    expect(one.marks.isGoodAt(one.marks.marksOf(A), 1_000)).toBe(false);
    redis.refusal = undefined;
    await waitFor('the backlog to be published', () => one.ledger.backlog === 0 && !there());
    await waitFor('the mark to be settled', () => one.marks.isGoodAt(one.marks.marksOf(A), redis.length));
    expect(redis.length).toBe(1);
  });

  it('gives itself up when Redis is full, so that no process serves what may have changed', async () => {
    const redis = new FakeRedis();
    using one = startProcess(redis);
    await live(one);
    const { id } = one.ledger;
    redis.refusal = new Error('OOM command not allowed');
    await one.ledger.invalidate(A);
    await waitFor('another ledger', () => one.ledger.id !== id && one.ledger.id !== '');
    expect(one.ledger.isLive(performance.now())).toBe(false);
  });

  it('lets a process that joins know what was invalidated before', async () => {
    const redis = new FakeRedis();
    redis.add(JSON.stringify(['other', A]));
    redis.add(JSON.stringify(['other', ['t:b']]));
    using one = startProcess(redis);
    await live(one);
    const [a, b] = [one.marks.marksOf(A), one.marks.marksOf(['t:b'])];
    expect([one.marks.isGoodAt(a, 0), one.marks.isGoodAt(a, 1), one.marks.isGoodAt(b, 1), one.marks.isGoodAt(b, 2)]).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });

  it.each(['garbage', '{}', '["other", "t:a"]', '["other", [7]]'])(
    'with an entry that says nothing (%s) trusts no older value',
    async (entry) => {
      const redis = new FakeRedis();
      using one = startProcess(redis);
      await live(one);
      const value = one.loaded(['t:b']);
      redis.add(entry);
      await waitFor('the gap', () => !value());
      expect(one.marks.isGoodAt([], 0)).toBe(false);
      expect(one.marks.isGoodAt([], 1)).toBe(true);
    },
  );

  it('of another server starts again: nothing from before counts, and the writer connects again', async () => {
    const redis = new FakeRedis();
    using one = startProcess(redis);
    await live(one);
    const value = one.loaded(A);
    redis.restart('run2');
    await waitFor('the new ledger', () => one.ledger.id === 'run2');
    expect(value()).toBe(false);
    expect(one.ledger.isLive(performance.now())).toBe(false);
    expect(redis.disconnected).toContain('writer');
    await live(one);
  });

  it('carries more names than it holds as everything', async () => {
    const redis = new FakeRedis();
    using one = startProcess(redis);
    using two = startProcess(redis);
    await Promise.all([live(one), live(two)]);
    redis.refusal = new Error('LOADING');
    await one.ledger.invalidate(Array.from({ length: 10_001 }, (_, index) => `k:${index}`));
    expect(one.ledger.backlog).toBe(1);
    const unrelated = two.loaded(['t:z']);
    redis.refusal = undefined;
    await waitFor('everything to be invalid', () => !unrelated());
  });
});
