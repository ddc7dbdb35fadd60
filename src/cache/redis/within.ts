/** An answer did not come in time. */
class Overdue extends Error {
  override readonly name = 'Overdue';
}

/** The answer, if it comes within this time. The timer holds the process, unless nobody waits. */
export function within<T>(milliseconds: number, answer: Promise<T>, hold: 'held' | 'unheld' = 'held'): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Overdue(`no answer within ${milliseconds} ms`)), milliseconds);
    if (hold === 'unheld') timer.unref();
    answer.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
