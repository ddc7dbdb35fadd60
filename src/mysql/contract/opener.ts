/** Opens and closes a pool's connections in the place of the pool: a data layer that brings them itself, such as Knex. */

export interface Opener {
  /** Makes one connection with the driver's `createConnection`, sets it up, and returns it. */
  open(): Promise<unknown>;
  /** Says goodbye on a connection of its own. The pool cuts off what is not gone then. */
  close(connection: unknown): Promise<void>;
  /** What lies behind an error of `open`, where it wraps the driver's. */
  causeOf(error: unknown): unknown;
  /** Whether waiters learn of a failed opening ('refused'), or wait for the next one within their own time ('patient'). */
  readonly patience: 'refused' | 'patient';
  /** This many connections are not closed for being idle. */
  readonly keptOpen: number;
}
