/** The factory of resources, which a user of the engine supplies: it opens, validates, cleans and closes. */

import type { PoolError } from './errors.js';
import type { CloseReason } from './lifecycle.js';
import type { Borrowed } from './summary.js';

/** What a pool gives to a factory that is to open a resource. */
export interface OpenContext {
  /** Aborts when the resource took too long to open or the pool was closed: stop, and free what there is. */
  readonly signal: AbortSignal;
  /** To be called when the open resource fails by itself, whether it is lent or idle: it is closed and never lent again. */
  readonly lost: (error: unknown) => void;
  /** To be called when the resource still works for its borrower but must not be lent again: it is closed when it is released. */
  readonly doom: (reason?: 'hook', error?: unknown) => void;
  /** To be called when what a mark stands for is gone: the resource is as it was when it was new. */
  readonly unmark: () => void;
  /** Whether the resource is lent now. */
  readonly isLent: () => boolean;
}

/** What a factory says of a lent resource. */
export type Description = Pick<Borrowed, 'description' | 'inTransaction' | 'statement' | 'runningMs'>;

/** What a borrower wants to find set up in a resource, such as settings of a session. Two marks with one key are the same. */
export interface ResourceMark {
  readonly key: string;
}

/** For whom a resource is made ready. */
export interface Preparation {
  /** What its borrower wants to find set up; undefined: nothing. */
  readonly mark: ResourceMark | undefined;
  /** What is set up in it now. */
  readonly from: ResourceMark | undefined;
  /** How many borrowers it had before. */
  readonly uses: number;
}

/** Why and how a resource is to be closed. */
export interface CloseRequest {
  readonly reason: CloseReason;
  /** Free it at once: it is broken, or there is no time left. Otherwise say goodbye to the other side first. */
  readonly force: boolean;
}

/**
 * Makes, checks and unmakes the resources of a pool. The engine bounds each step in time; it may answer late. `open`, `validate` and `close` run in
 * the root context, where no AsyncLocalStorage has a store; the others run in that of the call that needs them.
 */
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

  /**
   * Makes the resource ready for one borrower, who gets it when this resolves. Called when the borrower wants another mark than the resource has, and
   * with `preparesEach` at each acquire; in the asynchronous context of the acquire, never in the middle of the pool's work. The borrower's wait
   * bounds it, and `hookTimeout`. If it rejects, the acquire fails with a PoolError that it rejects with, and the resource is closed with the reason
   * 'hook'. If it resolves with an error, the acquire fails with that, and the resource, without a mark, is another borrower's.
   */
  prepare?(resource: R, preparation: Preparation): Promise<PoolError | undefined>;

  /** Whether every borrower's resource is prepared. Does not change. Default: false. */
  readonly preparesEach?: boolean;

  /** Whether `recycle` also runs a hook, which has `hookTimeout` beside what the cleaning has. Default: false. */
  readonly recyclesByHook?: boolean;

  /** The resource was given back and no borrower needs it for now: it must not keep the process alive. A new one is expected to be like this. */
  park?(resource: R): void;

  /** It is needed: it is lent, or says goodbye. Not called when it is handed from one borrower to the next. */
  unpark?(resource: R, why: 'lent' | 'closing'): void;

  /** A few words for "who holds it", alone or with what the borrower does as data: no secrets. */
  describe?(resource: R): string | Description;

  /**
   * For how long its borrower has run nothing, in milliseconds; 0 while something runs. What was before it was lent does not matter. Without it, a
   * borrower counts as quiet for as long as it holds the resource.
   */
  quietMs?(resource: R): number;

  /** Whether an error of `open` will come again however often it is tried, as a wrong password does. */
  isPermanent?(error: unknown): boolean;

  /**
   * Whether an error of `open` says that the resource was there, and is not one of those that the pool is for. It is closed already. It counts as
   * opened and closed, with the reason 'role'; callers continue waiting, and others are opened, one at a time, after a delay.
   */
  isMisplaced?(error: unknown): boolean;

  /** A short label for an error of `open`. */
  codeOf?(error: unknown): string;
}

/** What an optional method of a factory answers, or the fallback if it throws: a bug in a description must not leave a caller waiting. */
export function answerOf<T>(ask: () => T | undefined, fallback: T): T {
  try {
    return ask() ?? fallback;
  } catch {
    return fallback;
  }
}
