/** Callers that had no connection, in numbers and in words. */

import type { LivePoint } from '../points/index.js';
import { amount, counted } from './words.js';

/** Callers that had no connection. */
export interface Failures {
  readonly timedOut: number;
  /** By the pool, or by one of its breakers. */
  readonly refused: number;
}

export function failuresIn(points: readonly Pick<LivePoint, 'timedOut' | 'refused' | 'breakerRefused'>[]): Failures {
  let timedOut = 0;
  let refused = 0;
  for (const point of points) {
    timedOut += point.timedOut;
    refused += point.refused + point.breakerRefused;
  }
  return { timedOut, refused };
}

/** '12 040 callers were refused'; '3 callers timed out, 1 was refused'; empty when none failed. */
export function wordsOn({ timedOut, refused }: Failures): string {
  const were = refused === 1 ? 'was refused' : 'were refused';
  if (timedOut === 0) return refused === 0 ? '' : `${callers(refused)} ${were}`;
  return `${callers(timedOut)} timed out${refused === 0 ? '' : `, ${amount(refused)} ${were}`}`;
}

function callers(count: number): string {
  return counted(count, 'caller', 'callers');
}
