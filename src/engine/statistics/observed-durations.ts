/** A user's listener to the durations of a histogram: called after the transition that recorded one, in its own context. */

import { queueMicrotask } from '../contract/index.js';
import { callListener, inThisContext } from '../waiting/index.js';
import type { Histogram } from './histogram.js';

/** Calls `listener` with each duration from now on, when the transition that recorded it is over: a listener may do anything. Returns a function that ends it. */
export function observeDurations(histogram: Histogram, listener: (durationMs: number) => void): () => void {
  let observing = true;
  const own = inThisContext(listener);
  const report = (durationMs: number): void => {
    if (observing) callListener(own, durationMs);
  };
  const stop = histogram.observe((durationMs) => queueMicrotask(() => report(durationMs)));
  return () => {
    observing = false;
    stop();
  };
}
