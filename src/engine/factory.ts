import type { CloseReason } from './entry.js';

/** What a pool tells a factory that is to open a resource. */
export interface OpenContext {
  /** Aborts when the resource took too long to open or the pool was closed: stop, and free what there is. */
  readonly signal: AbortSignal;
  /** To be called when the open resource fails by itself, whether it is lent or idle: it is closed and never lent again. */
  lost(error: unknown): void;
}

/** Why and how a resource is to be closed. */
export interface CloseRequest {
  readonly reason: CloseReason;
  /** Free it at once: it is broken, or there is no time left. Otherwise say goodbye to the other side first. */
  readonly force: boolean;
}

/** Makes, checks and unmakes the resources of a pool. The engine bounds each step in time; it may answer late. */
export interface ResourceFactory<R> {
  open(context: OpenContext): Promise<R>;

  /** The resource counts as gone when the promise settles, or at once when there is none. May be called again with `force`. */
  close(resource: R, request: CloseRequest): Promise<void> | undefined;

  /** Resolves when the resource answers; rejects when it must not be used again. */
  validate(resource: R): Promise<void>;

  /**
   * Called at each release. Returns nothing when the resource can be lent again as it is, else a promise that resolves when
   * it is clean and rejects when it must be closed.
   */
  recycle?(resource: R): Promise<void> | undefined;

  /** The resource went idle: nothing that it holds may keep the process alive. */
  park?(resource: R): void;

  /** The resource is idle no longer. */
  unpark?(resource: R): void;

  /** A few words for "who holds it": no secrets. */
  describe?(resource: R): string;

  /** Whether an error of `open` will come again however often it is tried, as a wrong password does. */
  isPermanent?(error: unknown): boolean;

  /** A short label for an error of `open`. */
  codeOf?(error: unknown): string;
}
