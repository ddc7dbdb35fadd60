/** Whether work keeps a time that is up in its own process, told without a clock. */

/**
 * Runs work, and says whether it was over before a timer fired that was set when it began. Timers of one process fire in the order of their
 * times: however late all of them are on a busy machine, work that ends with an earlier timer is over before a later one fires.
 */
export async function isOverBefore(milliseconds: number, work: () => Promise<unknown>): Promise<boolean> {
  let fired = false;
  const timer = setTimeout(() => {
    fired = true;
  }, milliseconds);
  await work();
  clearTimeout(timer);
  return !fired;
}
