/** A day of points at falling resolution: what is kept of it, and that nothing that counts is lost. */

import { describe, expect, it } from 'vitest';
import { bucketsOf, type LivePoint, percentilesOf } from '../../../src/monitor/points/index.js';
import { Timeline } from '../../../src/monitor/history/index.js';
import { packed, PointReader } from '../../../src/monitor/history/packed-point.js';
import { BLANK } from '../support/judged-pool.js';

const BEGIN = Date.UTC(2026, 0, 1, 6, 0, 0);
const [MINUTE, HOUR] = [60_000, 3_600_000] as const;

/** A timeline that learns each second how the pool is. */
function told(
  seconds: number,
  pointAt: (second: number) => Partial<LivePoint> = () => ({}),
  timeline = new Timeline(),
  begin = BEGIN,
): Timeline {
  for (let second = 1; second <= seconds; second += 1) timeline.add({ ...BLANK, at: begin + second * 1_000, ...pointAt(second) });
  return timeline;
}

function sum(points: readonly LivePoint[], value: (point: LivePoint) => number): number {
  return points.reduce((all, point) => all + value(point), 0);
}

const busy = (second: number): Partial<LivePoint> => ({
  acquired: 100,
  timedOut: second % 7,
  acquire: [3, 40, 10, 59, 60, 1],
  query: [12, 250 + (second % 9)],
  cache: { ...CACHE, hitsMemory: 5, memoryMs: second % 2 === 0 ? null : 0.125 },
});

const CACHE = {
  entries: 10,
  bytes: 4_096,
  hitsMemory: 0,
  hitsRedis: 0,
  stale: 0,
  misses: 0,
  coalesced: 0,
  bypassed: 0,
  evictions: 0,
  invalidations: 0,
  errors: 0,
  memoryMs: null,
  redisMs: null,
  loadMs: null,
};

describe('a timeline', () => {
  it('has each second of ten minutes, ten seconds of two hours and each minute of a day, and no more', () => {
    const seconds = 86_400 + 7_200;
    const timeline = told(seconds, busy);
    const now = BEGIN + seconds * 1_000;
    const read = (spanMs: number) => timeline.read({ from: now - spanMs, to: now, most: 100_000 });
    for (const [span, resolutionMs, points] of [
      [10 * MINUTE, 1_000, 600],
      [2 * HOUR, 10_000, 720],
      [24 * HOUR, 60_000, 1_440],
    ] as const) {
      const stretch = read(span);
      expect([stretch.resolutionMs, stretch.points.length]).toEqual([resolutionMs, points]);
      // Nothing is lost on the way: neither counts nor buckets.
      expect(sum(stretch.points, ({ acquired }) => acquired)).toBe((span / 1_000) * 100);
      expect(sum(stretch.points, ({ sinceMs }) => sinceMs)).toBe(span);
      expect(sum(stretch.points, ({ cache }) => cache?.hitsMemory ?? 0)).toBe((span / 1_000) * 5);
      expect(bucketsOf(stretch.points, 'acquire')[10]).toBe((span / 1_000) * 59);
    }
    const day = timeline.keptFrom ?? 0;
    expect(now - day).toBeGreaterThanOrEqual(24 * HOUR);
    expect(now - day).toBeLessThanOrEqual(25 * HOUR + MINUTE);
  });

  it('still shows the worst second after twenty hours', () => {
    const bad = 3_605;
    const timeline = told(20 * 3_600, (second) =>
      second === bad ? { waiting: 300, longestWaitMs: 1_234.5, used: 10, idle: 0, timedOut: 12, acquire: [60, 1] } : { used: 2, idle: 5 },
    );
    const now = BEGIN + 20 * HOUR;
    const { points } = timeline.read({ from: BEGIN, to: now, most: 300 });
    expect(points.length).toBeLessThanOrEqual(300);
    const worst = points.find(({ waiting }) => waiting > 0);
    // The connections are those of one moment: they never add up to more than the limit.
    expect(worst).toMatchObject({ waiting: 300, longestWaitMs: 1_234.5, used: 10, idle: 0, timedOut: 12, acquire: [60, 1] });
    expect(percentilesOf(worst === undefined ? [] : [worst], 'acquire')).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
    expect(points.every(({ limit, idle, used }) => idle + used <= limit)).toBe(true);
  });

  it('answers with as few points as are asked for, at round times', () => {
    const timeline = told(6 * 3_600, busy);
    const now = BEGIN + 6 * HOUR;
    for (const [span, most] of [
      [10 * MINUTE, 300],
      [10 * MINUTE, 100],
      [HOUR, 300],
      [6 * HOUR, 300],
      [6 * HOUR, 7],
      [6 * HOUR, 1],
    ] as const) {
      const { points, resolutionMs } = timeline.read({ from: now - span, to: now, most });
      expect(points.length).toBeLessThanOrEqual(most);
      expect(sum(points, ({ acquired }) => acquired)).toBe((span / 1_000) * 100);
      expect(points.slice(0, -1).every(({ at }) => most === 1 || at % resolutionMs === 0)).toBe(true);
      expect(points.every(({ sinceMs }) => sinceMs <= resolutionMs)).toBe(true);
    }
    expect(timeline.read({ from: now - 10 * MINUTE, to: now - 9 * MINUTE, most: 300 }).points).toHaveLength(60);
    expect(timeline.read({ from: now, to: now + HOUR, most: 300 }).points).toEqual([]);
    expect(new Timeline().read({ from: 0, to: now, most: 300 })).toEqual({ resolutionMs: 1_000, points: [] });
    expect(new Timeline().keptFrom).toBeNull();
  });

  it('answers of a pool that has no point yet as finely as of one that has, so that its first minute is drawn second by second', () => {
    const range = { from: BEGIN - HOUR, to: BEGIN + MINUTE, most: 300 };
    expect(new Timeline().read(range)).toEqual({ resolutionMs: 1_000, points: [] });
    expect(told(1).read(range)).toMatchObject({ resolutionMs: 1_000 });
  });

  it('has the last seconds in each resolution', () => {
    const timeline = told(3 * 3_600 + 7, busy);
    const now = BEGIN + 3 * HOUR + 7_000;
    for (const span of [MINUTE, HOUR, 3 * HOUR])
      expect(timeline.read({ from: now - span, to: now, most: 1_000 }).points.at(-1)?.at).toBe(now);
  });

  it('bears a process that slept and a clock that was set back', () => {
    const timeline = told(300, busy);
    told(1, () => ({ sinceMs: 5 * HOUR, acquired: 7 }), timeline, BEGIN + 5 * HOUR);
    told(300, busy, timeline, BEGIN + 5 * HOUR + 1_000);
    // An hour back, with points of that time already there.
    told(900, () => ({ acquired: 1 }), timeline, BEGIN + 4 * HOUR);
    const { points } = timeline.read({ from: BEGIN, to: BEGIN + 6 * HOUR, most: 100_000 });
    expect(sum(points, ({ acquired }) => acquired)).toBe(600 * 100 + 7 + 900);
    expect(points.map(({ at }) => at)).toEqual(points.map(({ at }) => at).toSorted((one, other) => one - other));
    expect(timeline.read({ from: BEGIN, to: BEGIN + 6 * HOUR, most: 50 }).points.length).toBeLessThanOrEqual(50);
  });

  it('reads each point as it was written', () => {
    const point: LivePoint = {
      ...BLANK,
      at: BEGIN,
      ...busy(3),
      longestWaitMs: 12.345,
      connect: [70, 2 ** 40],
      limit: 70_000,
      cancelled: 128,
    };
    const bytes = packed(point);
    expect(new PointReader(bytes).next()).toEqual(point);
    for (let length = 0; length < bytes.length; length += 1)
      expect(() => new PointReader(bytes.subarray(0, length)).next()).toThrow('These bytes are no point.');
    expect(new PointReader(packed({ ...point, waiting: -1, used: Number.NaN })).next()).toMatchObject({ waiting: 0, used: 0 });
  });
});
