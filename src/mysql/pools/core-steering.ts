/** Steers a pool: where its connections lead, what of them is cut off, and what they say of their server. */

import { type LendingHold, messageOf, type Pool as Engine, type PoolEnvironment } from '../../engine/index.js';
import { connectionLost } from '../commands/index.js';
import type { ManagedConnection } from '../connections/index.js';
import type { Health, HealthCheck } from '../observation/index.js';
import type { ResolvedOptions } from '../options/index.js';
import type { Doubt, PoolSteering } from './steering.js';

/** Where the connections of a pool that is steered lead to is set after it was made. */
const NO_PLACE_YET: LendingHold = { reason: () => 'no server is known yet' };

/** What is steered. */
export interface SteeredCore {
  readonly engine: Engine<ManagedConnection>;
  connections(which: 'all'): readonly ManagedConnection[];
  moveTo(options: ResolvedOptions): void;
  leavePlace(): void;
  health(deep: boolean, more?: readonly HealthCheck[]): Promise<Health>;
}

/** The hands of the layer above on one pool. */
export class CoreSteering implements PoolSteering {
  readonly #doubts = new Set<(doubt: Doubt) => void>();

  constructor(private readonly core: SteeredCore) {}

  moveTo(options: ResolvedOptions): void {
    this.core.moveTo(options);
  }

  leavePlace(): void {
    this.core.leavePlace();
  }

  hold(hold: LendingHold | undefined): void {
    this.core.engine.hold(hold);
  }

  endStatements(afterMs: number, why: string): number {
    const overdue = this.core.connections('all').filter(({ runningMs }) => runningMs !== undefined && runningMs >= afterMs);
    return cutOff(overdue, why);
  }

  cutOff(why: string): number {
    return cutOff(this.core.connections('all'), why);
  }

  get longestRunningMs(): number {
    return Math.max(0, ...this.core.connections('all').map(({ runningMs = 0 }) => runningMs));
  }

  health(deep: boolean, more: readonly HealthCheck[]): Promise<Health> {
    return this.core.health(deep, more);
  }

  onDoubt(listener: (doubt: Doubt) => void): void {
    const { engine } = this.core;
    if (this.#doubts.size === 0) {
      engine.on('connectFailed', ({ error }) => this.#doubt('connect', messageOf(error)));
      engine.on('failed', ({ error }) => this.#doubt('lost', messageOf(error)));
      engine.on('closed', ({ reason, error }) => {
        if (reason === 'role') this.#doubt('refused', messageOf(error));
      });
    }
    this.#doubts.add(listener);
  }

  /** The server answers that it must not be used now. */
  noteRefused(message: string): void {
    this.#doubt('refused', message);
  }

  #doubt(kind: Doubt['kind'], message: string): void {
    for (const listener of this.#doubts) listener({ kind, message });
  }
}

function cutOff(connections: readonly ManagedConnection[], why: string): number {
  for (const connection of connections) connection.terminate(connectionLost(why));
  return connections.length;
}

/** What the engine of a pool is given beside its options. */
export function environmentOf({ moves, hasAlternative, opener }: ResolvedOptions): PoolEnvironment {
  if (opener !== undefined) return { patience: opener.patience, keptOpen: opener.keptOpen };
  if (moves === true) return { patience: 'patient', hold: NO_PLACE_YET };
  return { patience: hasAlternative === true ? 'impatient' : 'refused' };
}
