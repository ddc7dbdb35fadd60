import { performance } from 'node:perf_hooks';

const TURNS = 6_000_000;
const TRIES = 3;

/**
 * Milliseconds that a loop of fixed work takes: the machine's speed at this moment, which no contestant has a part in. Numbers only, so that it
 * leaves nothing to collect. The fastest of three: the first one is compiled on its way.
 */
export function fixedWorkMs(): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const startedAt = performance.now();
    let state = 1;
    for (let turn = 0; turn < TURNS; turn += 1) state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    const elapsed = performance.now() - startedAt;
    // Read, so that the loop is not left out.
    if (state !== Number.POSITIVE_INFINITY) fastest = Math.min(fastest, elapsed);
  }
  return fastest;
}

/** A machine that takes so many times as long as usual is slow. */
const SLOW = 1.1;

/** Fewer say nothing of what is usual. */
const FEWEST = 4;

/** Distinguishes a slow moment of the machine from a slow contestant. */
export class MachineSpeed {
  readonly #seen: number[] = [];

  /** Whether this was a slow moment, by those before it. */
  isSlow(milliseconds: number): boolean {
    this.#seen.push(milliseconds);
    const sorted = this.#seen.toSorted((a, b) => a - b);
    const usual = sorted[Math.floor(sorted.length / 4)] as number;
    return sorted.length >= FEWEST && milliseconds > usual * SLOW;
  }
}
