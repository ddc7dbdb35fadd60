/** Ends statements whose server does not answer any more, long before their own timeouts. */

import type { Clock, Timer } from '../../engine/index.js';
import { inRootContext, within } from '../../engine/waiting/index.js';
import type { PoolSteering } from '../../mysql/index.js';
import type { FailureDetectionOptions } from '../contract/index.js';
import type { Looker } from './looker.js';

/** A node with a pool whose statements are watched. */
export interface DetectedNode {
  readonly name: string;
  readonly looker: Pick<Looker, 'probe'>;
  readonly pool: Pick<PoolSteering, 'longestRunningMs' | 'endStatements'>;
}

/** Asks a server beside a statement that has been running for a long time. It costs nothing while no statement does. */
export class FailureDetector {
  readonly #misses = new Map<DetectedNode['pool'], number>();
  readonly #probing = new Set<DetectedNode['pool']>();
  #timer: Timer | undefined = undefined;
  #ended = false;

  constructor(
    private readonly options: Required<FailureDetectionOptions>,
    private readonly clock: Clock,
    private readonly nodes: () => readonly DetectedNode[],
  ) {}

  start(): void {
    if (this.#ended) return;
    this.#timer = inRootContext(() => this.clock.setTimer(() => this.#check(), this.options.interval));
    this.#timer.unref();
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #check(): void {
    for (const node of this.nodes()) {
      if (node.pool.longestRunningMs < this.options.after) this.#misses.delete(node.pool);
      else if (!this.#probing.has(node.pool)) void this.#probe(node);
    }
    this.start();
  }

  async #probe(node: DetectedNode): Promise<void> {
    const { interval } = this.options;
    this.#probing.add(node.pool);
    try {
      await within(node.looker.probe(), interval, noAnswer, { clock: this.clock, hold: 'unheld', allowsForStalls: true });
      this.#misses.delete(node.pool);
    } catch {
      if (!this.#ended) this.#miss(node);
    } finally {
      this.#probing.delete(node.pool);
    }
  }

  #miss({ name, pool }: DetectedNode): void {
    const { after, count } = this.options;
    const misses = (this.#misses.get(pool) ?? 0) + 1;
    this.#misses.set(pool, misses);
    if (misses < count) return;
    this.#misses.delete(pool);
    pool.endStatements(after, `${name} did not answer ${count} probes beside the statement.`);
  }
}

function noAnswer(): Error {
  return new Error('no answer in time');
}
