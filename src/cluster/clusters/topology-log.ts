/** The history of a cluster: what changed, newest last, for pictures and listeners. */

import { callListener } from '../../engine/waiting/index.js';
import type { NodeState, TopologyChange } from '../contract/index.js';

/** This many changes are kept. */
const MOST_CHANGES = 100;

/** What the log reads of a node. */
export interface LoggedNode {
  readonly name: string;
  readonly watch: { readonly state: NodeState; readonly reason: string | undefined; readonly seen: boolean };
}

/** Keeps the newest changes, and passes them to listeners. */
export class TopologyLog {
  #changes: readonly TopologyChange[] = Object.freeze([]);
  readonly #listeners = new Set<(change: TopologyChange) => void>();
  readonly #states = new Map<string, NodeState>();

  /** The newest last. */
  get changes(): readonly TopologyChange[] {
    return this.#changes;
  }

  listen(listener: (change: TopologyChange) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  add(what: TopologyChange['what'], message: string): void {
    const change: TopologyChange = Object.freeze({ at: Date.now(), what, message });
    this.#changes = Object.freeze([...this.#changes.slice(1 - MOST_CHANGES), change]);
    for (const listener of this.#listeners) callListener(listener, change);
  }

  /** Adds what became of nodes since the last time. */
  noteStates(nodes: readonly LoggedNode[]): void {
    for (const { name, watch } of nodes) {
      const { state, reason, seen } = watch;
      const before = this.#states.get(name);
      if (!seen || before === state) continue;
      this.#states.set(name, state);
      // That a node is up at the beginning is no news.
      if (before === undefined && state === 'up') continue;
      this.add('state', `${name} is ${state}${reason === undefined ? '' : `: ${reason}`}`);
    }
    const names = new Set(nodes.map(({ name }) => name));
    for (const name of this.#states.keys()) if (!names.has(name)) this.#states.delete(name);
  }
}
