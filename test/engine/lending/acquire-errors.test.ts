import { describe, expect, it } from 'vitest';
import { connectFailedError } from '../../../src/engine/lending/acquire-errors.js';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { driverError, failWith, hold } from '../support/fake-factory.js';
import { errorOf, PoolFixture } from '../support/pool-fixture.js';

describe('the error of an acquire that timed out', () => {
  it('names the borrowers of the entries, the longest-held first, when all are taken', async () => {
    await using fixture = new PoolFixture({ name: 'orders', connectionLimit: 4, acquireTimeout: 1_000 });
    const leases = [];
    for (let index = 0; index < 4; index += 1) {
      leases.push(await fixture.acquire());
      await fixture.clock.advance(100);
    }
    const waiting = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(1_016);
    const error = await waiting;
    expect(error.message).toMatch(/^No connection within 10\d\d ms: all 4 connections are taken\. /u);
    expect(error.message).toContain("Pool 'orders': limit 4, used 4, idle 0, opening 0, checking 0, closing 0, waiting 0.");
    expect(error.message).toMatch(/ Held longest: fake 1 for 14\d\d ms, fake 2 for 13\d\d ms, fake 3 for 12\d\d ms\.$/u);
    expect(error).toMatchObject({ reason: 'exhausted', pool: { name: 'orders', used: 4 } });
    expect('cause' in error).toBe(false);
    for (const lease of leases) lease.release();
  });

  it('counts a caller with a brief limit of its own, but not as one that the pool has failed', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 1_000 });
    const lease = await fixture.acquire();
    const waits = [{ timeout: 15 }, { timeout: 600 }, {}].map((options) => errorOf(fixture.acquire(options), 'POOL_ACQUIRE_TIMEOUT'));
    await fixture.clock.advance(1_016);
    await Promise.all(waits);
    expect([fixture.stats.timedOut, fixture.pool.glance().timedOut]).toEqual([3, 2]);
    lease.release();
  });

  it('says that the database could not be reached, and why, when nothing is open', async () => {
    await using fixture = new PoolFixture({ name: 'orders', connectionLimit: 1, minIdle: 0, acquireTimeout: 100 });
    const refused = driverError('ECONNREFUSED', 'connect ECONNREFUSED');
    fixture.factory.script('open', failWith(refused));
    await errorOf(fixture.acquire(), 'POOL_CONNECT_FAILED');
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(116);
    const error = await waiting;
    expect(error.message).toMatch(
      /^No connection within 1\d\d ms: the database could not be reached; last error: connect ECONNREFUSED \(ECONNREFUSED\)\. Pool 'orders': /u,
    );
    expect(error).toMatchObject({ reason: 'unreachable', cause: refused });
  });

  it('says that there was no answer yet, when there was none', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, minIdle: 0, acquireTimeout: 100 });
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(116);
    const error = await waiting;
    expect(error.message).toContain('the database could not be reached; no answer yet.');
    expect(error.reason).toBe('unreachable');
    expect('cause' in error).toBe(false);
  });

  it('I6: says what keeps the pool from opening more, when not all are open', async () => {
    await using fixture = new PoolFixture({ name: 'orders', connectionLimit: 5, minIdle: 0, acquireTimeout: 100 });
    const lease = await fixture.acquire();
    const tooMany = driverError('ER_CON_COUNT_ERROR', 'Too many connections');
    fixture.factory.script('open', failWith(tooMany));
    const waiting = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(116);
    const error = await waiting;
    expect(error.message).toMatch(/^No connection within 1\d\d ms: all open connections are taken, and no more could be opened; /u);
    expect(error.message).toContain('last error: Too many connections (ER_CON_COUNT_ERROR). ');
    expect(error.message).toContain("Pool 'orders': limit 5, used 1,");
    expect(error.message).toContain('Held longest: fake 1 for');
    expect(error).toMatchObject({ reason: 'exhausted', cause: tooMany });
    lease.release();
  });

  it('does not say that all are taken when some are still being opened or checked', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 2, minIdle: 0, acquireTimeout: 100 });
    const lease = await fixture.acquire();
    fixture.factory.script('open', hold);
    const waiting = errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT');
    await fixture.clock.advance(116);
    expect((await waiting).message).toMatch(/^No connection within 1\d\d ms: none of the 2 connections is free\. .* opening 1,/u);
    lease.release();
  });

  it('is the same moment for all that time out together', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 1, acquireTimeout: 100 });
    const lease = await fixture.acquire();
    const waiting = Array.from({ length: 3 }, () => errorOf(fixture.acquire(), 'POOL_ACQUIRE_TIMEOUT'));
    await fixture.clock.advance(120);
    const errors = await Promise.all(waiting);
    expect(new Set(errors).size).toBe(3);
    expect(new Set(errors.map(({ pool }) => pool)).size).toBe(1);
    lease.release();
  });
});

describe('the error of an acquire for which nothing could be opened', () => {
  const summary = { name: 'pool' } as never;

  it('keeps the code of an error of ours: one failure has one identity', () => {
    const cause = new Error('the reason');
    const ours = new PoolError('POOL_TLS_REQUIRED', 'TLS is required.', { cause });
    expect(connectFailedError(ours, summary)).toMatchObject({
      code: 'POOL_TLS_REQUIRED',
      message: 'TLS is required.',
      cause,
      pool: summary,
    });
  });

  it('is POOL_CONNECT_FAILED with its cause for any other', () => {
    expect(connectFailedError('nonsense', summary)).toMatchObject({
      code: 'POOL_CONNECT_FAILED',
      message: 'Could not connect: nonsense (unknown).',
      cause: 'nonsense',
    });
  });
});
