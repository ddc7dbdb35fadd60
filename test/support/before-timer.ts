/** Whether work keeps a time that is up in its own process, shown without a clock. */

/** The pool takes a turn of the event loop after a stall, to hear what has come meanwhile. */
const TURNS_OF_GRACE = 4;

/**
 * Calls `late` when this many milliseconds have passed, unless the returned function was called before. Timers of one process fire in the order
 * of their times: however late all of them are on a busy machine, what an earlier timer ends is over before.
 */
export function unlessOverBefore(milliseconds: number, late: () => void): () => void {
  let over = false;
  const afterTurns = (turns: number): void => {
    if (over) return;
    if (turns === 0) late();
    else setImmediate(() => afterTurns(turns - 1));
  };
  const timer = setTimeout(() => afterTurns(TURNS_OF_GRACE), milliseconds);
  return () => {
    over = true;
    clearTimeout(timer);
  };
}

/** Runs work. Whether it was over before a timer fired that was set when it began. */
export async function isOverBefore(milliseconds: number, work: () => Promise<unknown>): Promise<boolean> {
  let inTime = true;
  const over = unlessOverBefore(milliseconds, () => {
    inTime = false;
  });
  try {
    await work();
  } finally {
    over();
  }
  return inTime;
}
