/** The history in a file: what the next process finds in it, and the files that cannot be used. */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../../scripts/install.mjs';
import { nodeBinary } from '../../../scripts/runtimes/node-lines.mjs';
import { SUMMARY_PATH } from '../../../scripts/vitest-summary.mjs';
import { openHistoryStore, type HistoryStore } from '../../../src/monitor/history/index.js';
import { hasSqlite, openDatabase } from '../../../src/monitor/history/sqlite.js';
import type { Pool } from '../../../src/mysql/index.js';
import { openPool } from '../../support/pool-on-database.js';
import { waitFor } from '../../support/wait-for.js';
import { busyPool, scriptedFeed } from '../support/busy-pool.js';
import { serve } from '../support/serve.js';

const BEGIN = Date.UTC(2026, 0, 1, 6, 0, 0);
const NEEDS_SQLITE = 'node:sqlite is in Node 22.13 and later';

function folder() {
  const path = mkdtempSync(join(tmpdir(), 'poolwright-history-'));
  return { path, file: join(path, 'history.db'), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A store, and what it has warned of. */
function opened(path: string, now = BEGIN) {
  const warnings: string[] = [];
  return { warnings, store: openHistoryStore(path, (message) => warnings.push(message), now) };
}

/** Judgements come in the background, without I/O. */
const judged = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function lived(pools: readonly Pool[], begin: number, store: HistoryStore | undefined) {
  const scripted = scriptedFeed(() => pools, begin, store);
  return {
    ...scripted,
    pass: async (seconds: number): Promise<number> => {
      let now = 0;
      for (let second = 0; second < seconds; second += 1) {
        now = scripted.second();
        if (second > seconds - 10) await judged();
      }
      return now;
    },
  };
}

describe.skipIf(!hasSqlite())(`a history in a file (${NEEDS_SQLITE})`, () => {
  it('has points and incidents for the next process, and says of what lasted that it was cut short', async () => {
    using temporary = folder();
    await using busy = busyPool('orders');
    const one = opened(temporary.file);
    const first = lived([busy.pool], BEGIN, one.store);
    for (let work = 0; work < 100; work += 1) {
      busy.work();
      await first.pass(18);
    }
    busy.pool.suspend();
    const end = await first.pass(20);
    const before = first.feed.historyOf(busy.pool)?.read({ from: BEGIN, to: end, most: 1_000 });
    first.feed.stop();
    expect(statSync(temporary.file).mode & 0o077).toBe(0);

    busy.pool.resume();
    const two = opened(temporary.file, end + 60_000);
    const second = lived([busy.pool], end + 60_000, two.store);
    const now = await second.pass(20);
    const history = second.feed.historyOf(busy.pool);
    const after = history?.read({ from: BEGIN, to: now, most: 1_000 });
    const sum = (points: readonly { readonly acquired: number }[] = []): number => points.reduce((all, { acquired }) => all + acquired, 0);
    expect(after?.resolutionMs).toBe(10_000);
    expect(sum(after?.points)).toBe(sum(before?.points));
    expect(sum(before?.points)).toBe(100_000);
    // The process that did not run is a hole between two points.
    const holes = after?.points.filter(
      (point, index) => index > 0 && point.at - point.sinceMs > (after.points[index - 1]?.at ?? 0) + 30_000,
    );
    expect(holes).toHaveLength(1);
    expect(history?.incidents).toMatchObject([{ cause: 'suspended', end, cutShort: 'monitoring-ended' }]);

    // Killed: nothing more is saved, and what was not merged yet is merged by the next one.
    await second.pass(25);
    two.store?.close();
    const three = opened(temporary.file, now + 120_000);
    const third = lived([busy.pool], now + 120_000, three.store);
    const last = await third.pass(5);
    const kept = third.feed.historyOf(busy.pool);
    const tenSeconds = kept?.read({ from: now, to: last, most: 1_000 });
    expect(tenSeconds?.points.length).toBeGreaterThanOrEqual(2);
    expect(sum(kept?.read({ from: BEGIN, to: last, most: 5 }).points)).toBe(100_000);
    third.feed.stop();
    expect([one, two, three].map(({ warnings }) => warnings)).toEqual([[], [], []]);
  });

  it('forgets what is older than a day', async () => {
    using temporary = folder();
    await using busy = busyPool('orders');
    const first = lived([busy.pool], BEGIN, opened(temporary.file).store);
    busy.work();
    await first.pass(300);
    first.feed.stop();
    const later = BEGIN + 2 * 86_400_000;
    const second = lived([busy.pool], later, opened(temporary.file, later).store);
    await second.pass(2);
    expect(second.feed.historyOf(busy.pool)?.keptFrom).toBe(later);
    second.feed.stop();
    const database = openDatabase(temporary.file);
    expect(database.prepare('SELECT count(*) AS n FROM points WHERE at < ?').get(later)).toEqual({ n: 0 });
    database.close();
  });

  it('is one clear warning when its file cannot be used, and changes nothing in it', () => {
    using temporary = folder();
    const at = (name: string): string => join(temporary.path, name);
    writeFileSync(at('text'), 'This is a letter, and it is longer than the header of a database. '.repeat(50));
    mkdirSync(at('folder'));
    const foreign = openDatabase(at('foreign'));
    foreign.exec('CREATE TABLE letters (text TEXT)');
    foreign.close();
    opened(at('older')).store?.close();
    const older = openDatabase(at('older'));
    older.exec('PRAGMA user_version = 999');
    older.close();
    opened(at('torn')).store?.close();
    writeFileSync(at('torn'), Buffer.concat([readFileSync(at('torn')).subarray(0, 4_096), Buffer.alloc(12_288, 7)]));
    const inUse = opened(at('in-use'));
    const before = readFileSync(at('foreign'));
    for (const [name, why] of [
      ['text', 'it is no history of Poolwright'],
      ['foreign', 'it is no history of Poolwright'],
      ['older', 'another version of Poolwright has written it; delete it to begin again'],
      ['torn', 'it is corrupt'],
      ['in-use', 'another process uses it'],
      ['none/history.db', "ENOENT: no such file or directory, open '"],
      ['folder', 'EISDIR: illegal operation on a directory'],
    ] as const) {
      const { store, warnings } = opened(at(name));
      expect([name, store]).toEqual([name, undefined]);
      expect(warnings).toEqual([
        expect.stringContaining(`The history is kept in memory only and is gone after a restart: '${at(name)}': ${why}`),
      ]);
    }
    expect(readFileSync(at('foreign'))).toEqual(before);
    inUse.store?.close();
  });

  it('continues in memory when it can be written no more, with one warning', async () => {
    using temporary = folder();
    opened(temporary.file).store?.close();
    const database = openDatabase(temporary.file);
    database.exec("CREATE TRIGGER full BEFORE INSERT ON points BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END");
    database.close();
    await using busy = busyPool('orders');
    const { store, warnings } = opened(temporary.file);
    const { pass, feed } = lived([busy.pool], BEGIN, store);
    await pass(200);
    expect(feed.historyOf(busy.pool)?.points.length).toBe(120);
    feed.stop();
    expect(warnings).toEqual([
      `The history is kept in memory only and is gone after a restart: '${temporary.file}': database or disk is full.`,
    ]);
  });

  it('is written for ten pools without a long pause', () => {
    using temporary = folder();
    const pools = Array.from({ length: 10 }, (_, index) => busyPool(`pool-${index}`));
    const { store } = opened(temporary.file);
    const times: number[] = [];
    const timed: HistoryStore | undefined = store && {
      load: (...given) => store.load(...given),
      recordOf: (...given) => store.recordOf(...given),
      close: () => store.close(),
      save(...given) {
        const begun = performance.now();
        store.save(...given);
        times.push(performance.now() - begun);
      },
    };
    const { second, feed } = scriptedFeed(() => pools.map(({ pool }) => pool), BEGIN, timed);
    for (let passed = 0; passed < 300; passed += 1) {
      if (passed % 10 === 0) for (const one of pools) one.work();
      second();
    }
    feed.stop();
    times.sort((one, other) => one - other);
    process.stderr.write(
      `${times.length} writes of ten pools: median ${times[times.length >> 1]?.toFixed(2)} ms, longest ${times.at(-1)?.toFixed(2)} ms\n`,
    );
    expect(times.length).toBeGreaterThanOrEqual(30);
  });

  it('is there after a restart of the monitoring server', async () => {
    using temporary = folder();
    await using fixture = await openPool({ name: 'orders', minIdle: 1 });
    const historyPath = temporary.file;
    const first = await serve({ pools: fixture.pool, historyPath });
    const ask = async (url: string) => {
      const response = await fetch(`${url}/api/trpc/monitoring.history`);
      const { result } = (await response.json()) as {
        readonly result: {
          readonly data: { readonly points: readonly { readonly acquired: number }[]; readonly incidents: readonly unknown[] };
        };
      };
      return { incidents: result.data.incidents, acquired: result.data.points.reduce((sum, { acquired }) => sum + acquired, 0) };
    };
    await fixture.pool.query('SELECT 1');
    fixture.pool.suspend();
    await waitFor('the incident', async () => {
      const { acquired, incidents } = await ask(first.url);
      return acquired > 0 && incidents.length > 0;
    });
    const before = await ask(first.url);
    await first.close();
    fixture.pool.resume();
    await using second = await serve({ pools: fixture.pool, historyPath });
    const after = await ask(second.url);
    expect(after.acquired).toBe(before.acquired);
    expect(after.incidents).toMatchObject([{ cause: 'suspended', cutShort: 'monitoring-ended', end: expect.any(Number) as number }]);
  });
});

it.skipIf(hasSqlite())('a history in a file is said to be impossible where there is no node:sqlite (this Node has it)', () => {
  using temporary = folder();
  const { store, warnings } = opened(temporary.file);
  expect(store).toBeUndefined();
  expect(warnings).toEqual([
    `The history is kept in memory only and is gone after a restart: Node ${process.versions.node} has no node:sqlite, which Node 22.13 and later have.`,
  ]);
});

it.skipIf(hasSqlite())('a history in a file passes these tests on Node 24, which has node:sqlite (this Node has it, too)', async () => {
  const { [SUMMARY_PATH]: _path, ...environment } = process.env;
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const run = promisify(execFile)(await nodeBinary('24'), [vitest, 'run', fileURLToPath(import.meta.url)], {
    cwd: ROOT,
    env: { ...environment, NO_COLOR: '1' },
  });
  const { stdout } = await run.catch((error: { readonly stdout: string }) => error);
  expect(stdout).toMatch(/Test Files {2}1 passed/);
  expect(stdout).toMatch(/Tests {2}\d+ passed \| 2 skipped/);
});

it('the path of the history comes from POOLWRIGHT_HISTORY unless it is given, and is checked', async () => {
  await expect(serve({ pools: [], historyPath: '' })).rejects.toThrow(/^historyPath must be the path of a file/);
  await expect(serve({ pools: [], historyPath: 7 as never })).rejects.toThrow(/^historyPath must be the path of a file/);
});
