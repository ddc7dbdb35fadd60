/** What a pool is given beside its options and its factory: time, chance, and patience. */

import type { Clock, RandomSource } from './contract/index.js';
import type { NextTurn } from './queue/index.js';
import type { LendingHold, Patience } from './lending/index.js';

/** Time and chance, for tests and simulation. */
export interface PoolEnvironment {
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /**
   * What a failed opening means for waiters. 'refused': waiters are refused with its cause, and callers who come later wait for the next attempt.
   * 'patient': they wait on, because the place to which openings lead may change. 'impatient': callers who come before the next attempt are refused,
   * too, because they have another pool to go to. Default: 'refused'.
   */
  readonly patience?: Patience;
  /** Calls back in the next turn of the event loop: refusals wait for it. Default: `setImmediate`. A simulation has no such turns. */
  readonly nextTurn?: NextTurn;
  /** What the pool is held for from its beginning; see `hold()`. */
  readonly hold?: LendingHold;
  /** This many resources are not closed for being idle. None is opened for this number, unlike for `minIdle`. Default: 0. */
  readonly keptOpen?: number;
}
