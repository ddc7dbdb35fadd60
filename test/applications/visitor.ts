/** A visitor of an application over HTTP: counts what it asks, what fails, and what was acknowledged. */
import { setTimeout as delay } from 'node:timers/promises';

/** What all visitors of one stage saw together. */
export class Tally {
  requests = 0;
  /** By their reason. */
  readonly failures = new Map<string, number>();
  /** When each request that failed, or succeeded, was sent and answered. */
  readonly answers: { readonly sentAt: number; readonly answeredAt: number; readonly ok: boolean }[] = [];
  /** The names of the tasks that the application has acknowledged. */
  readonly acknowledged = new Set<string>();
  /** Tasks that were begun and not finished in time. */
  readonly unfinished = new Set<string>();

  get failed(): number {
    return [...this.failures.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** What is sent. */
export interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The answer of an application is not what it should be. */
export class Refusal extends Error {}

const PAUSE_AFTER_FAILURE_MS = 200;
const ANSWER_TIMEOUT_MS = 180_000;

/** One visitor in the middle of one task. */
export class Visitor {
  constructor(
    readonly url: string,
    /** The name of the task: no other has it. */
    readonly task: string,
    readonly tally: Tally,
    private readonly over: AbortSignal,
  ) {}

  /** The application says that the task is done. */
  acknowledge(): void {
    this.tally.acknowledged.add(this.task);
  }

  /**
   * One request.
   *
   * @param read takes what is needed out of the answer, and throws what is wrong with it
   * @returns nothing when it failed; after a pause then
   * @throws when the stage is over and the task was not done in time
   */
  async ask<T>(path: string, init: Request, read: (body: string, headers: Headers) => T): Promise<T | undefined> {
    this.over.throwIfAborted();
    const sentAt = performance.now();
    this.tally.requests += 1;
    try {
      // A connection for each request: one that is kept may be closed by the application in the moment in which it is used again.
      const headers = { ...init.headers, connection: 'close' };
      const response = await fetch(`${this.url}${path}`, { ...init, headers, signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
      const body = await response.text();
      if (!response.ok) throw new Refusal(`HTTP ${response.status}: ${reasonIn(body)}`);
      const result = read(body, response.headers);
      this.tally.answers.push({ sentAt, answeredAt: performance.now(), ok: true });
      return result;
    } catch (error) {
      this.tally.answers.push({ sentAt, answeredAt: performance.now(), ok: false });
      const reason = reasonOf(error);
      this.tally.failures.set(reason, (this.tally.failures.get(reason) ?? 0) + 1);
      await delay(PAUSE_AFTER_FAILURE_MS);
      return undefined;
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  const { cause } = error as { readonly cause?: { readonly code?: string } };
  return cause?.code ?? String(error);
}

/** Without what differs from one failure to the next: ports and numbers of connections. */
function reasonIn(body: string): string {
  const text = /"message":"((?:[^"\\]|\\.){1,200})/.exec(body)?.[1] ?? body;
  return withoutNumbers(text);
}

export function withoutNumbers(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\d{3,}/g, '…')
    .slice(0, 100);
}
