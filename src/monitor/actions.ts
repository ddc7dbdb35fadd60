import { codeOf, messageOf } from '../engine/index.js';
import type { ObservedPool } from '../telemetry/pool-source.js';

/** What an operator may do to a pool. */
export type Action =
  | { readonly name: 'evict' | 'suspend' | 'resume' }
  | { readonly name: 'drain'; readonly timeoutMs?: number }
  | { readonly name: 'resize'; readonly connectionLimit: number };

/** An action that somebody has asked for. */
export interface ActionRecord {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly action: Action['name'];
  /** What was asked for, in words. */
  readonly detail: string;
  readonly pool: string;
  /** From which address, as far as is known. */
  readonly by: string;
  readonly outcome: 'started' | 'done' | 'failed';
  /** Why it failed. */
  readonly error: string | null;
}

const MOST_RECORDS = 100;

/** Does what operators ask for, and remembers it. */
export class Actions {
  readonly #told: (record: ActionRecord) => void;
  #records: ActionRecord[] = [];

  /** @param told is called with each action, before its effect and when it has failed */
  constructor(told: (record: ActionRecord) => void) {
    this.#told = told;
  }

  /** The last one first. */
  get records(): readonly ActionRecord[] {
    return this.#records;
  }

  /** @throws PoolError what the pool says; it is in the record too */
  run(pool: ObservedPool, action: Action, by: string): void {
    const record = { at: Date.now(), action: action.name, detail: detailOf(action), pool: pool.name, by, error: null };
    try {
      if (action.name === 'drain') {
        // It takes as long as borrowers take: whoever asks watches it.
        this.#note({ ...record, outcome: 'started' });
        void pool.drain(action.timeoutMs === undefined ? {} : { timeout: action.timeoutMs }).then(
          ({ complete, cutOff }) =>
            this.#note({ ...record, at: Date.now(), outcome: 'done', detail: complete ? 'complete' : `${cutOff.length} cut off` }),
          (error: unknown) => this.#fail(record, error),
        );
        return;
      }
      if (action.name === 'resize') pool.resize({ connectionLimit: action.connectionLimit });
      else pool[action.name]();
      this.#note({ ...record, outcome: 'done' });
    } catch (error) {
      this.#fail(record, error);
      throw error;
    }
  }

  #fail(record: Omit<ActionRecord, 'outcome' | 'error'>, error: unknown): void {
    this.#note({ ...record, outcome: 'failed', error: `${messageOf(error)} (${codeOf(error)})` });
  }

  #note(record: ActionRecord): void {
    const frozen = Object.freeze(record);
    this.#records = [frozen, ...this.#records.slice(0, MOST_RECORDS - 1)];
    this.#told(frozen);
  }
}

function detailOf(action: Action): string {
  if (action.name === 'resize') return `limit ${action.connectionLimit}`;
  if (action.name === 'drain' && action.timeoutMs !== undefined) return `within ${action.timeoutMs / 1000} s`;
  return '';
}
