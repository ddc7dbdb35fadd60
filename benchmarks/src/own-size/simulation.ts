/** A pool before a simulated server, event by event: what its callers get, and what size it has when. */

import type { UseWindow } from 'poolwright/engine';
import { Heap } from './heap.js';
import type { Random, Scene, Workload } from './workloads.js';

/** Says what size a pool has. */
export interface SizeRule {
  readonly name: string;
  readonly size: number;
  /** At the end of each window. */
  look?(window: UseWindow): void;
  /** At the end of each use. */
  ended?(useMs: number, used: number): void;
}

export interface Outcome {
  /** Uses per second. */
  readonly rate: number;
  /** What a caller sees, its wait included. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The size at the end of each window. */
  readonly sizes: readonly number[];
  readonly averageSize: number;
}

export const WINDOW_MS = 250;
/** After each step this much time is not counted. */
export const SETTLING_MS = 5_000;

const OPENING_MS = 8;
const MOST_OPENING = 10;

interface Running {
  readonly askedAt: number;
  readonly startedAt: number;
  workMs: number;
}

type Event = { readonly kind: 'opened' } | { readonly kind: 'waited'; readonly running: Running };

export class Simulation {
  #now = 0;
  #open = 0;
  #opening = 0;
  #used = 0;
  readonly #events = new Heap<Event>();
  /** Those that share the server, by how much work each has done when it is done. */
  readonly #working = new Heap<Running>();
  #workDone = 0;
  readonly #queue: number[] = [];
  #queueHead = 0;
  #workload: Workload;
  #measuring = false;
  readonly #responses: number[] = [];
  #window = { completed: 0, usedMs: 0, waitedMs: 0 };
  #windowsMeasured = 0;
  readonly #sizes: number[] = [];

  constructor(
    private readonly scene: Scene,
    private readonly rule: SizeRule,
    private readonly random: Random,
  ) {
    this.#workload = (scene.stretches[0] as Scene['stretches'][0]).workload;
  }

  run(): Outcome {
    for (let caller = 0; caller < this.scene.callers; caller += 1) this.#queue.push(0);
    this.#serve();
    for (const { workload, seconds } of this.scene.stretches) {
      this.#workload = workload;
      const from = this.#now;
      const until = from + seconds * 1_000;
      while (this.#now < until) {
        this.#measuring = this.#now >= from + SETTLING_MS;
        this.#runUntil(this.#now + WINDOW_MS);
        this.#endWindow();
      }
    }
    const sorted = this.#responses.toSorted((a, b) => a - b);
    const at = (fraction: number): number => sorted[Math.min(Math.floor(sorted.length * fraction), sorted.length - 1)] ?? 0;
    const seconds = (this.#windowsMeasured * WINDOW_MS) / 1_000;
    const averageSize = this.#sizes.reduce((sum, size) => sum + size, 0) / this.#sizes.length;
    return { rate: sorted.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), sizes: this.#sizes, averageSize };
  }

  #runUntil(end: number): void {
    for (;;) {
      const speed = this.#working.size === 0 ? 0 : this.#workload.speed(this.#working.size);
      const doneAt = speed === 0 ? Number.POSITIVE_INFINITY : this.#now + (this.#working.leastKey - this.#workDone) / speed;
      const next = Math.min(doneAt, this.#events.leastKey);
      if (next > end) {
        this.#workDone += (end - this.#now) * speed;
        this.#now = end;
        return;
      }
      this.#workDone += (next - this.#now) * speed;
      this.#now = next;
      if (doneAt <= this.#events.leastKey) this.#endUse(this.#working.pop());
      else this.#happen(this.#events.pop());
    }
  }

  #happen(event: Event): void {
    if (event.kind === 'opened') {
      this.#opening -= 1;
      this.#open += 1;
      this.#serve();
    } else if (event.running.workMs > 0) {
      this.#working.push(this.#workDone + event.running.workMs, event.running);
    } else {
      this.#endUse(event.running);
    }
  }

  #endUse({ askedAt, startedAt }: Running): void {
    this.#used -= 1;
    this.#window.completed += 1;
    this.#window.usedMs += this.#now - startedAt;
    this.rule.ended?.(this.#now - startedAt, this.#used + 1);
    if (this.#measuring) this.#responses.push(this.#now - askedAt);
    this.#queue.push(this.#now);
    this.#serve();
  }

  /** Gives what is idle to those that wait, closes what is too much, and opens what is missing. */
  #serve(): void {
    const { size } = this.rule;
    this.#open -= Math.max(Math.min(this.#open - size, this.#open - this.#used), 0);
    while (this.#queueHead < this.#queue.length && this.#used < this.#open) {
      const askedAt = this.#queue[this.#queueHead] as number;
      this.#queueHead += 1;
      this.#used += 1;
      this.#window.waitedMs += this.#now - askedAt;
      const { waitMs, workMs } = this.#workload.use(this.random);
      const slowness = this.scene.slowness?.(this.#now) ?? 1;
      const running = { askedAt, startedAt: this.#now, workMs: workMs * slowness };
      this.#events.push(this.#now + waitMs * slowness, { kind: 'waited', running });
    }
    if (this.#queueHead > 10_000) {
      this.#queue.splice(0, this.#queueHead);
      this.#queueHead = 0;
    }
    const missing = Math.min(this.#queue.length - this.#queueHead, size - this.#open) - this.#opening;
    for (let count = Math.min(missing, MOST_OPENING - this.#opening); count > 0; count -= 1) {
      this.#opening += 1;
      this.#events.push(this.#now + OPENING_MS, { kind: 'opened' });
    }
  }

  #endWindow(): void {
    if (this.#measuring) this.#windowsMeasured += 1;
    const window = this.#window;
    this.#window = { completed: 0, usedMs: 0, waitedMs: 0 };
    this.rule.look?.({ durationMs: WINDOW_MS, ...window, waiting: this.#queue.length - this.#queueHead, used: this.#used });
    this.#sizes.push(this.rule.size);
    this.#serve();
  }
}

/** How often the size changed its direction once it had settled: from 5 s after a step on. */
export function turnsOf(scene: Scene, sizes: readonly number[]): number {
  let turns = 0;
  let window = 0;
  for (const { seconds } of scene.stretches) {
    const settled = sizes.slice(window + SETTLING_MS / WINDOW_MS, window + (seconds * 1_000) / WINDOW_MS);
    window += (seconds * 1_000) / WINDOW_MS;
    let direction = 0;
    for (let index = 1; index < settled.length; index += 1) {
      const change = Math.sign((settled[index] as number) - (settled[index - 1] as number));
      if (change !== 0 && direction !== 0 && change !== direction) turns += 1;
      if (change !== 0) direction = change;
    }
  }
  return turns;
}
