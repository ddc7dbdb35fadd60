/** One call that is shared by all callers who ask while it runs or soon after. */

import { performance } from '../../engine/waiting/index.js';

/** Makes one call of many: callers that ask while it runs, or soon after, get the same answer. Failures are not kept. */
export class SharedCall<T> {
  readonly #call: () => Promise<T>;
  readonly #keepMs: number;
  readonly #now: () => number;
  #running: Promise<T> | undefined = undefined;
  #kept: { readonly answer: T; readonly at: number } | undefined = undefined;

  /**
   * @param keepMs how long an answer serves after it came, in milliseconds; default: 0, only while the call runs
   * @param now milliseconds since some fixed moment
   */
  constructor(call: () => Promise<T>, keepMs = 0, now: () => number = () => performance.now()) {
    this.#call = call;
    this.#keepMs = keepMs;
    this.#now = now;
  }

  async get(): Promise<T> {
    if (this.#kept !== undefined && this.#now() - this.#kept.at < this.#keepMs) return this.#kept.answer;
    this.#running ??= this.#run();
    return await this.#running;
  }

  async #run(): Promise<T> {
    try {
      const answer = await this.#call();
      this.#kept = { answer, at: this.#now() };
      return answer;
    } finally {
      this.#running = undefined;
    }
  }
}
