/** The error of a Redis or a sentinel that did not answer in time, and the wait that ends with it. */
import { within } from '../engine/waiting/index.js';

/** There was no answer in time. The connection may be dead: TCP takes minutes to report that. */
export class Overdue extends Error {
  override readonly name = 'Overdue';
}

/** @param hold whether the timer keeps the process alive: 'unheld' where no caller waits for the answer */
export function answerWithin<T>(milliseconds: number, answer: Promise<T>, hold: 'held' | 'unheld' = 'held'): Promise<T> {
  return within(answer, milliseconds, () => new Overdue(`no answer within ${milliseconds} ms`), { hold });
}
