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

  /**
   * In the order in which {@link packed} has written them. Spelled out, because a day is read at once.
   *
   * @throws RangeError when the bytes are no point
   */
  next(): LivePoint {
    return {
      at: this.#number(),
      sinceMs: this.#number(),
      limit: this.#number(),
      idle: this.#number(),
      used: this.#number(),
      opening: this.#number(),
      checking: this.#number(),
      closing: this.#number(),
      waiting: this.#number(),
      breakerRefused: this.#number(),
      acquired: this.#number(),
      timedOut: this.#number(),
      cancelled: this.#number(),
      refused: this.#number(),
      opened: this.#number(),
      closed: this.#number(),
      connectErrors: this.#number(),
      queryErrors: this.#number(),
      retries: this.#number(),
      kills: this.#number(),
      leaks: this.#number(),
      longestWaitMs: this.#number() / 1_000,
      acquire: this.#counts(),
      use: this.#counts(),
      connect: this.#counts(),
      query: this.#counts(),
      cache: this.#number() === 0 ? null : this.#cache(),
    };
  }

  #cache(): CachePoint {
    return {
      entries: this.#number(),
      bytes: this.#number(),
      hitsMemory: this.#number(),
      hitsRedis: this.#number(),
      stale: this.#number(),
      misses: this.#number(),
      coalesced: this.#number(),
      bypassed: this.#number(),
      evictions: this.#number(),
      invalidations: this.#number(),
      errors: this.#number(),
      memoryMs: this.#time(),
      redisMs: this.#time(),
      loadMs: this.#time(),
    };
  }

  #time(): number | null {
    const microseconds = this.#number();
    return microseconds === 0 ? null : (microseconds - 1) / 1_000;
  }

  #counts(): SparseCounts {
    const length = this.#number();
    if (length > this.bytes.length - this.#at) throw noPoint();
    const counts: number[] = [];
    while (counts.length < length) counts.push(this.#number());
    return counts;
  }

  #number(): number {
    let number = 0;
    let scale = 1;
    for (;;) {
      const byte = this.bytes[this.#at];
      if (byte === undefined) throw noPoint();
      this.#at += 1;
      if (byte < 128) return number + byte * scale;
      number += (byte - 128) * scale;
      scale *= 128;
    }
  }
}

function noPoint(): RangeError {
  return new RangeError('These bytes are no point.');
}
