import { performance } from 'node:perf_hooks';

const TURNS = 2_000_000;
const TRIES = 3;

/** What a turn does next: a load, a branch, and a call, of which a client's work consists. */
abstract class Step {
  constructor(readonly value: number) {}
  abstract after(state: number): number;
}

class Adding extends Step {
  override after(state: number): number {
    return (state + this.value) | 0;
  }
}

class Multiplying extends Step {
  override after(state: number): number {
    return Math.imul(state, this.value | 1);
  }
}

class Shifting extends Step {
  override after(state: number): number {
    return (state >>> 1) ^ this.value;
  }
}

const KINDS = [Adding, Multiplying, Shifting] as const;
const STEPS: readonly Step[] = Array.from({ length: 4_096 }, (_, index) => {
  const mixed = Math.imul(index + 1, 0x9e3779b1) >>> 8;
  return new (KINDS[mixed % KINDS.length] as (typeof KINDS)[number])(mixed);
});

/**
 * Milliseconds that a loop of fixed work takes: the machine's speed at this moment, which no contestant has a part in. Numbers only, so that it
 * leaves nothing to collect. The fastest of three: the first one is compiled on its way.
 *
 * It uses as much of the core as a client does. A loop of nothing but multiplications, each of which waits for the one before, leaves most of the
 * core idle: in a slow moment of a virtual machine it took 1.03 times as long, and this kind of loop 1.6 times.
 */
export function fixedWorkMs(): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const startedAt = performance.now();
    let state = 1;
    for (let turn = 0; turn < TURNS; turn += 1) state = (STEPS[(turn * 7_919) & (STEPS.length - 1)] as Step).after(state);
    const elapsed = performance.now() - startedAt;
    // Read, so that the loop is not left out.
    if (state !== Number.POSITIVE_INFINITY) fastest = Math.min(fastest, elapsed);
  }
  return fastest;
}

/** A machine that takes so many times as long as usual is slow. */
const SLOW = 1.1;

/** How often a round is repeated for that at most. */
export const MOST_REPETITIONS = 5;

/** What a scenario with `steadyMachine` holds fixed beside what it says itself. */
export const STEADY_MACHINE = `Before and after each round, the contestant’s process runs a loop of fixed work. If the loop was more than ${Math.round((SLOW - 1) * 100)} % slower than usual, the machine was slow. The round is then repeated, ${MOST_REPETITIONS} times at most.`;

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
