/** What operators do to pools and breakers, and the record of it. */

import { ignoreRejection } from '../../engine/waiting/index.js';
import { codeOf, messageOf, type SizeRange, sizeText } from '../../engine/index.js';
import type { ObservedBreaker, ObservedPool } from '../../telemetry/index.js';
import { NotThere } from './not-there.js';

/** What an operator may do to a pool. */
export type Action =
  | { readonly name: 'evict' | 'suspend' | 'resume' }
  | { readonly name: 'drain'; readonly timeoutMs?: number }
  | { readonly name: 'resize'; readonly connectionLimit: number | SizeRange }
  | ({ readonly name: 'invalidate' } & CachedNames);

/** What is to be invalidated in a pool's cache. */
export interface CachedNames {
  readonly tags?: readonly string[];
  readonly tables?: readonly string[];
  readonly all?: boolean;
}

/** What an operator may do to a breaker: hold it open until it is closed, or close it, even one that the application holds open. */
export interface BreakerAction {
  readonly name: 'isolate-breaker' | 'close-breaker';
  readonly breaker: string;
  /** Shown to callers that are refused meanwhile. */
  readonly reason?: string;
}

/** An action that was asked for. */
export interface ActionRecord {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly action: Action['name'] | BreakerAction['name'];
  /** What was asked for, in words. */
  readonly detail: string;
  /** Null: on a breaker that belongs to no pool. */
  readonly pool: string | null;
  /** From which address, as far as is known. */
  readonly by: string;
  readonly outcome: 'started' | 'done' | 'failed';
  /** Why it failed. */
  readonly error: string | null;
  /** Of a drain that has ended: whether all borrowers and waiters were done before its deadline. */
  readonly complete?: boolean;
}

/** The pool that was asked for has no cache. */
export class NoCache extends NotThere {
  constructor(pool: string) {
    super('no-cache', `Pool '${pool}' has no cache.`);
  }
}

const MOST_RECORDS = 100;

type Asked = Omit<ActionRecord, 'outcome' | 'error'>;

/** Runs the actions that operators ask for, and keeps a record of each. */
export class Actions {
  readonly #onRecord: (record: ActionRecord) => void;
  #records: ActionRecord[] = [];

  /** @param onRecord called with each action that has begun, is done, or has failed */
  constructor(onRecord: (record: ActionRecord) => void) {
    this.#onRecord = onRecord;
  }

  /** The last one first. */
  get records(): readonly ActionRecord[] {
    return this.#records;
  }

  /**
   * Resolves when it is done; of `drain`, when it has begun.
   *
   * @throws PoolError what the pool says; NoCache; it is in the record too
   */
  async runOnPool(pool: ObservedPool, action: Action, by: string): Promise<void> {
    const asked = { at: Date.now(), action: action.name, detail: detailOf(action), pool: pool.name, by };
    if (action.name === 'drain') {
      // It takes as long as borrowers take, so the caller does not wait for it.
      this.#addRecord(asked, 'started');
      const draining = pool.drain(action.timeoutMs === undefined ? {} : { timeout: action.timeoutMs });
      void draining.then(
        ({ complete, cutOff }) =>
          this.#addRecord({ ...asked, at: Date.now(), detail: complete ? 'complete' : `${cutOff.length} cut off`, complete }, 'done'),
        (error: unknown) => this.#addRecord(asked, 'failed', error),
      );
      return;
    }
    await this.#perform(asked, async () => {
      if (action.name === 'resize') pool.resize({ connectionLimit: action.connectionLimit });
      else if (action.name === 'invalidate') await invalidate(pool, action);
      else pool[action.name]();
    });
  }

  /** @param pool the one that the breaker belongs to; null: none */
  async runOnBreaker(breaker: ObservedBreaker, pool: string | null, action: BreakerAction, by: string): Promise<void> {
    const { name, reason } = action;
    const detail = reason === undefined || reason === '' ? action.breaker : `${action.breaker}: ${reason}`;
    await this.#perform({ at: Date.now(), action: name, detail, pool, by }, () => {
      if (name === 'close-breaker') breaker.close();
      // The function that would release it is not kept: it stays isolated until it is closed, here or in the code.
      else breaker.isolate(reason === undefined || reason === '' ? 'isolated by an operator' : `isolated by an operator: ${reason}`);
    });
  }

  async #perform(asked: Asked, effect: () => void | Promise<void>): Promise<void> {
    try {
      await effect();
    } catch (error) {
      this.#addRecord(asked, 'failed', error);
      throw error;
    }
    this.#addRecord(asked, 'done');
  }

  #addRecord(asked: Asked, outcome: ActionRecord['outcome'], error?: unknown): void {
    const record = Object.freeze({ ...asked, outcome, error: error === undefined ? null : `${messageOf(error)} (${codeOf(error)})` });
    this.#records = [record, ...this.#records.slice(0, MOST_RECORDS - 1)];
    ignoreRejection(this.#onRecord(record));
  }
}

async function invalidate({ name, cache }: ObservedPool, { tags, tables, all }: CachedNames): Promise<void> {
  if (cache === undefined) throw new NoCache(name);
  await cache.invalidate({
    ...(tags === undefined ? {} : { tags }),
    ...(tables === undefined ? {} : { tables }),
    ...(all === undefined ? {} : { all }),
  });
}

function detailOf(action: Action): string {
  if (action.name === 'resize') return `limit ${sizeText(action.connectionLimit)}`;
  if (action.name === 'drain' && action.timeoutMs !== undefined) return `within ${action.timeoutMs / 1000} s`;
  if (action.name !== 'invalidate') return '';
  if (action.all === true) return 'everything';
  return [...(action.tags ?? []).map((tag) => `tag ${tag}`), ...(action.tables ?? []).map((table) => `table ${table}`)].join(', ');
}
