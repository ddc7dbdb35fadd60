import { attachDatabasePool } from '@vercel/functions';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPool } from '../../src/index.js';
import * as mirrorOfCallbacks from '../../src/mirror/mysql2.js';
import * as mirrorOfPromises from '../../src/mirror/promise.js';
import { createDatabase } from '../support/servers/database.js';

/** Where Vercel keeps the context of a request: https://github.com/vercel/vercel/blob/main/packages/functions/src/get-context.ts (2026-11-29). */
const REQUEST_CONTEXT = Symbol.for('@vercel/request-context');

/** What `attachDatabasePool` allows itself beyond the idle timeout. */
const GRACE_MS = 100;

/** The promises that keep an instance awake. */
let keptAwake: Promise<unknown>[] = [];
/** The delays of all timers that were started, in milliseconds. */
let delays: unknown[] = [];

beforeEach(() => {
  vi.stubEnv('VERCEL_URL', 'shop.vercel.app');
  vi.stubEnv('VERCEL_REGION', 'iad1');
  keptAwake = [];
  delays = [];
  const start = globalThis.setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((callback: () => void, delay: number) => {
    delays.push(delay);
    return start(callback, delay).unref();
  }) as typeof setTimeout);
  Reflect.set(globalThis, REQUEST_CONTEXT, {
    get: () => ({ waitUntil: (promise: Promise<unknown>) => void keptAwake.push(promise) }),
  });
});

afterEach(() => {
  Reflect.deleteProperty(globalThis, REQUEST_CONTEXT);
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('attachDatabasePool of @vercel/functions', () => {
  const options = { connectionLimit: 2, minIdle: 0, idleTimeout: 7_000 };

  it('keeps an instance awake for the idle timeout of createPool, promise and callback', async () => {
    await using database = await createDatabase();
    await using pool = createPool({ ...database.connection, ...options });
    for (const view of [pool, pool.pool]) {
      keptAwake = [];
      attachDatabasePool(view);
      await pool.query('SELECT 1');
      expect(keptAwake.length).toBeGreaterThan(0);
      expect(delays).toContain(7_000 + GRACE_MS);
      delays = [];
    }
    pool.resize({ idleTimeout: 3_000 });
    await pool.query('SELECT 1');
    expect(delays, 'after resize()').toContain(3_000 + GRACE_MS);
  });

  it('keeps an instance awake for the idle timeout of the mirrors', async () => {
    await using database = await createDatabase();
    const promises = mirrorOfPromises.createPool({ ...database.connection, ...options });
    attachDatabasePool(promises);
    await promises.query('SELECT 1');
    expect(delays).toContain(7_000 + GRACE_MS);
    await promises.end();

    delays = [];
    const callbacks = mirrorOfCallbacks.createPool({ ...database.connection, ...options });
    attachDatabasePool(callbacks);
    await new Promise((resolve) => {
      callbacks.once('release', resolve);
      callbacks.query('SELECT 1');
    });
    expect(delays).toContain(7_000 + GRACE_MS);
    await new Promise((resolve) => callbacks.end(resolve));
  });
});
