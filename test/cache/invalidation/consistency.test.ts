import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { type Read, staleReads, type Write } from '../../consistency/history.js';

const script = fileURLToPath(new URL('../../../scripts/check-cache.mjs', import.meta.url));

it('no process reads an older value for longer than the bound, its own writes never, while Redis fails in every way', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, '--seconds', '15']);
  const report = JSON.parse(stdout) as Record<string, number>;
  expect(stderr).toBe('');
  expect(report).toMatchObject({ staleReadsOfOwnWrites: 0, beyondBound: 0, failures: 0 });
  expect(report['hits']).toBeGreaterThan(0);
  expect(report['longestStaleMs']).toBeLessThanOrEqual(report['boundMs'] as number);
});

it('the check finds a stale read', () => {
  const write = (worker: number, version: number, acknowledgedAt: number): Write => ({ worker, row: 1, version, acknowledgedAt });
  const read = (worker: number, version: number, askedAt: number): Read => ({ worker, row: 1, version, askedAt });
  const writes = [write(0, 1, 10), write(1, 2, 20), write(0, 3, 30)];
  expect(staleReads(writes, [read(0, 3, 40), read(0, 2, 29), read(2, 1, 19)])).toEqual([]);
  expect(staleReads(writes, [read(0, 2, 35)])).toMatchObject([
    { own: true, staleMs: 5 },
    { own: false, staleMs: 5 },
  ]);
  expect(staleReads(writes, [read(2, 1, 40)])).toMatchObject([{ own: false, staleMs: 20 }]);
  expect(staleReads(writes, [{ ...read(0, 0, 99), row: 2 }])).toEqual([]);
});
