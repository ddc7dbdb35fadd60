/** A point as bytes: numbers of seven bits to a byte, so that a day of points is small in memory and on disk. */

import type { CachePoint, LivePoint, SparseCounts } from '../points/index.js';

/** In this order. A change of it is another format of the kept file. */
const NUMBERS = [
  'at',
  'sinceMs',
  'limit',
  'idle',
  'used',
  'opening',
  'checking',
  'closing',
  'waiting',
  'breakerRefused',
  'acquired',
  'timedOut',
  'cancelled',
  'refused',
  'opened',
  'closed',
  'connectErrors',
  'queryErrors',
  'retries',
  'kills',
  'leaks',
] as const satisfies readonly (keyof LivePoint)[];

const CACHE_NUMBERS = [
  'entries',
  'bytes',
  'hitsMemory',
  'hitsRedis',
  'stale',
  'misses',
  'coalesced',
  'bypassed',
  'evictions',
  'invalidations',
  'errors',
] as const satisfies readonly (keyof CachePoint)[];

const TIMES = ['memoryMs', 'redisMs', 'loadMs'] as const satisfies readonly (keyof CachePoint)[];
const DURATIONS = ['acquire', 'use', 'connect', 'query'] as const satisfies readonly (keyof LivePoint)[];

/** Four lists of all buckets, each with a large count. */
const LARGEST_BYTES = 8_192;
const scratch = new Uint8Array(LARGEST_BYTES);

/** Bytes of a point. Times of waits and of the cache are rounded to microseconds. */
export function packed(point: LivePoint): Uint8Array {
  let at = 0;
  const write = (number: number): void => {
    let rest = Number.isFinite(number) ? Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.round(number))) : 0;
    while (rest > 127) {
      scratch[at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    scratch[at++] = rest;
  };
  for (const name of NUMBERS) write(point[name]);
  write(point.longestWaitMs * 1_000);
  for (const name of DURATIONS) {
    const sparse = point[name];
    write(sparse.length);
    for (const number of sparse) write(number);
  }
  const { cache } = point;
  write(cache === null ? 0 : 1);
  if (cache !== null) {
    for (const name of CACHE_NUMBERS) write(cache[name]);
    for (const name of TIMES) write(cache[name] === null ? 0 : cache[name] * 1_000 + 1);
  }
  return scratch.slice(0, at);
}

/** Reads points that stand one after the other. */
export class PointReader {
  #at = 0;

  /** @param bytes what {@link packed} has made, also of several */
  constructor(private readonly bytes: Uint8Array) {}

  /** @throws RangeError when the bytes are no point */
  next(): LivePoint {
    const numbers = Object.fromEntries(NUMBERS.map((name) => [name, this.#number()])) as Record<(typeof NUMBERS)[number], number>;
    const longestWaitMs = this.#number() / 1_000;
    const durations = Object.fromEntries(DURATIONS.map((name) => [name, this.#counts()])) as Record<
      (typeof DURATIONS)[number],
      SparseCounts
    >;
    return { ...numbers, longestWaitMs, ...durations, cache: this.#number() === 0 ? null : this.#cache() };
  }

  #cache(): CachePoint {
    const numbers = Object.fromEntries(CACHE_NUMBERS.map((name) => [name, this.#number()])) as Record<
      (typeof CACHE_NUMBERS)[number],
      number
    >;
    const times = Object.fromEntries(
      TIMES.map((name) => {
        const microseconds = this.#number();
        return [name, microseconds === 0 ? null : (microseconds - 1) / 1_000];
      }),
    ) as Record<(typeof TIMES)[number], number | null>;
    return { ...numbers, ...times };
  }

  #counts(): SparseCounts {
    const length = this.#number();
    if (length > this.bytes.length - this.#at) throw noPoint();
    return Array.from({ length }, () => this.#number());
  }

  #number(): number {
    let [number, scale, byte] = [0, 1, 128];
    while (byte > 127) {
      byte = this.bytes[this.#at++] ?? 256;
      if (byte > 255) throw noPoint();
      number += (byte % 128) * scale;
      scale *= 128;
    }
    return number;
  }
}

function noPoint(): RangeError {
  return new RangeError('These bytes are no point.');
}
