import { inspect } from 'node:util';

/** How long and how often {@link waitFor} asks. */
export interface WaitOptions {
  /** Default 120 000 ms: it only ends a wait for what never comes, and a busy machine may be slow. */
  readonly timeoutMs?: number;
  /** Default 10 ms. */
  readonly intervalMs?: number;
}

type Attempt<T> = { readonly value: T } | { readonly error: unknown };

async function attempt<T>(probe: () => T | Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await probe() };
  } catch (error) {
    return { error };
  }
}

/**
 * Asks again and again until the answer is the one awaited. A probe that throws counts as "not yet".
 *
 * @param what - What is awaited, for the error: `waitFor('the pool to be empty', …)`.
 * @param probe - The question.
 * @param accept - Says whether an answer is the one awaited. Default: it is truthy.
 * @returns The accepted answer.
 * @throws Error when time is up, with what was awaited and the last answer or error.
 */
export async function waitFor<T>(
  what: string,
  probe: () => T | Promise<T>,
  accept: (value: T) => boolean = Boolean,
  { timeoutMs = 120_000, intervalMs = 10 }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const last = await attempt(probe);
    if ('value' in last && accept(last.value)) return last.value;
    if (performance.now() >= deadline) {
      const outcome = 'value' in last ? `last value: ${inspect(last.value)}` : `last error: ${inspect(last.error)}`;
      throw new Error(`Waited ${timeoutMs} ms for ${what}; ${outcome}`, 'error' in last ? { cause: last.error } : undefined);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, intervalMs);
    });
  }
}
