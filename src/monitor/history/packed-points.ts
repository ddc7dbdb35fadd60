/** A bounded series of points as bytes: in chunks, of which the oldest makes room. */

import type { LivePoint } from '../points/index.js';
import { packed, PointReader } from './packed-point.js';

interface Chunk {
  bytes: Uint8Array;
  length: number;
  count: number;
  /** When the time that its first point covers began, and the latest of its times, in milliseconds since 1970. */
  readonly from: number;
  latest: number;
}

const POINTS_OF_A_CHUNK = 60;
const BYTES_AT_FIRST = 4_096;

/** Points as bytes, the oldest first. */
export class PackedPoints {
  #chunks: Chunk[] = [];
  #count = 0;

  /** @param most so many are kept, and up to a chunk of 60 more */
  constructor(private readonly most: number) {}

  /** From when on points are kept, in milliseconds since 1970; undefined: there is none. */
  get keptFrom(): number | undefined {
    return this.#chunks[0]?.from;
  }

  /** Time of the latest point, in milliseconds since 1970; 0: there is none. */
  get latest(): number {
    return this.#chunks.reduce((last, { latest }) => Math.max(last, latest), 0);
  }

  /** Bytes of memory that the points take. */
  get bytes(): number {
    return this.#chunks.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  push(point: LivePoint): void {
    this.pushPacked({ at: point.at, sinceMs: point.sinceMs, bytes: packed(point) });
  }

  /** @param point with what {@link packed} has made of it */
  pushPacked(point: { readonly at: number; readonly sinceMs: number; readonly bytes: Uint8Array }): void {
    const { bytes } = point;
    const chunk = this.#chunkFor(point);
    if (chunk.length + bytes.length > chunk.bytes.length) chunk.bytes = resized(chunk, 2 * chunk.bytes.length + bytes.length);
    chunk.bytes.set(bytes, chunk.length);
    chunk.length += bytes.length;
    chunk.count += 1;
    chunk.latest = Math.max(chunk.latest, point.at);
    this.#count += 1;
    if (chunk.count === POINTS_OF_A_CHUNK) chunk.bytes = resized(chunk, chunk.length);
    const oldest = this.#chunks[0];
    if (oldest === undefined || this.#count - oldest.count < this.most) return;
    this.#chunks.shift();
    this.#count -= oldest.count;
  }

  /** The points after a moment, in the order in which they were made. */
  after(from: number): LivePoint[] {
    return this.#chunks.flatMap((chunk) => (chunk.latest <= from ? [] : pointsOf(chunk).filter(({ at }) => at > from)));
  }

  #chunkFor({ at, sinceMs }: Pick<LivePoint, 'at' | 'sinceMs'>): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && last.count < POINTS_OF_A_CHUNK) return last;
    const chunk = { bytes: new Uint8Array(BYTES_AT_FIRST), length: 0, count: 0, from: at - sinceMs, latest: at };
    this.#chunks.push(chunk);
    return chunk;
  }
}

function pointsOf({ bytes, count }: Chunk): LivePoint[] {
  const reader = new PointReader(bytes);
  const points: LivePoint[] = [];
  try {
    while (points.length < count) points.push(reader.next());
  } catch (error) {
    // Bytes from a file that something else has changed.
    if (!(error instanceof RangeError)) throw error;
  }
  return points;
}

function resized({ bytes, length }: Chunk, size: number): Uint8Array {
  const other = new Uint8Array(size);
  other.set(bytes.subarray(0, length));
  return other;
}
