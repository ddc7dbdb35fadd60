import type { RandomSource } from '../../src/engine/contract/clock.js';

/** Choices from a stream of random numbers. */
export class Dice {
  constructor(readonly random: RandomSource) {}

  /** True in `percent` of all cases. */
  chance(percent: number): boolean {
    return this.random() * 100 < percent;
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return Math.floor(this.random() * end);
  }

  /** One of a list that is not empty. */
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** One of the keys, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let rest = this.random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      rest -= weight;
      if (rest < 0) return key;
    }
    return (entries[entries.length - 1] as [K, number])[0];
  }
}
