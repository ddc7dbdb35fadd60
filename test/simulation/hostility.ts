import type { SimulatedLease } from './callers.js';
import type { Dice } from './dice.js';

/** What a hostile caller throws. */
export class HostileError extends Error {}

/** Callers, listeners and observers that throw in the middle of what the pool does, and what must become of it. */
export class Hostility {
  /** What was thrown, in order: each must come out once, after the transition. */
  readonly thrown: HostileError[] = [];
  /** Leases that waiters held when they threw: they must be over, and their resources closed. */
  #forfeited: SimulatedLease[] = [];

  /** @param percent how often a callback throws */
  constructor(
    private readonly dice: Dice,
    private readonly percent: number,
  ) {}

  throwInCallback(): void {
    if (this.percent > 0 && this.dice.chance(this.percent)) this.#throw('a callback');
  }

  /** @param forget the caller's part of the end of its lease */
  throwInGranted(lease: SimulatedLease, forget: () => void): void {
    if (this.percent === 0 || !this.dice.chance(this.percent)) return;
    if (lease.active) this.#forfeited.push(lease);
    forget();
    this.#throw(`the waiter that got resource ${lease.resource.id}`);
  }

  /** What the pool owes for the leases forfeited since the last time. */
  violations(): string[] {
    const owed = this.#forfeited.filter(({ active, resource }) => active || !resource.closed);
    this.#forfeited = [];
    return owed.map(({ resource }) => `resource ${resource.id} was not closed, though its waiter threw`);
  }

  #throw(who: string): never {
    const error = new HostileError(`thrown by ${who}`);
    this.thrown.push(error);
    throw error;
  }
}
