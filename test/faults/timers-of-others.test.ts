import { mock } from 'node:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { createPool as CreatePool } from '../../src/index.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';

type Create = typeof CreatePool;

/** Puts something in the place of Node's timers or clock; returns how it is undone. */
type Disturb = () => () => void;

const undo = (): void => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
};

const ENVIRONMENTS: Readonly<Record<string, Disturb>> = {
  'fake timers of vitest': () => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'Date', 'performance', 'queueMicrotask'],
    });
    return undo;
  },
  'fake timers of node:test': () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
    return () => mock.timers.reset();
  },
  'timers that are numbers, as in jsdom and in the renderer of Electron': () => {
    let last = 0;
    const numbered = (): number => (last += 1);
    for (const name of ['setTimeout', 'setInterval', 'setImmediate']) vi.stubGlobal(name, numbered);
    for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate']) vi.stubGlobal(name, () => undefined);
    return undo;
  },
  'a clock that stands still': () => {
    const now = performance.now();
    vi.spyOn(performance, 'now').mockReturnValue(now);
    return undo;
  },
  'microtasks that a test runs': () => {
    vi.stubGlobal('queueMicrotask', () => undefined);
    return undo;
  },
};

/** What waits, is bounded, is retried and is closed by timers. */
async function use(create: Create, { connection }: TestDatabase): Promise<boolean> {
  const pool = create({ ...connection, connectionLimit: 1 });
  expect((await pool.query({ sql: 'SELECT 1 AS one', timeout: 60_000 }))[0]).toEqual([{ one: 1 }]);
  await pool.transaction((tx) => tx.query('SELECT 1'), { timeout: 60_000 });
  await expect(pool.query({ sql: 'SELECT SLEEP(1000)', timeout: 50 })).rejects.toMatchObject({ code: 'POOL_QUERY_TIMEOUT' });
  const held = await pool.getConnection();
  await expect(pool.getConnection({ timeout: 200 })).rejects.toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
  held.release();
  expect((await pool.health({ deep: true })).healthy).toBe(true);
  await pool.end();
  return pool.stats().total === 0;
}

describe.each(Object.entries(ENVIRONMENTS))('I2: among %s a pool works', (_, disturb) => {
  let undoDisturbance: (() => void) | undefined;
  afterEach(() => undoDisturbance?.());

  it.each(['before', 'after'])('that was loaded %s them', async (order) => {
    await using database = await createDatabase();
    vi.resetModules();
    if (order === 'after') undoDisturbance = disturb();
    const { createPool } = await import('../../src/index.js');
    if (order === 'before') undoDisturbance = disturb();
    expect(await use(createPool, database)).toBe(true);
    undoDisturbance?.();
  });
});
