/** Good callers and guests on one pool: which answers the good ones got, and how long they took, while the guests are hostile or polite. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../../../src/index.js';
import { GUESTS, type Guest } from './guests.js';

/** How the guests behave in a phase of the run. */
export type Manners = 'polite' | 'hostile';

const PAUSE_OF_GOOD_MS = 2;
/** Guests come at a rate that leaves the process time: what they do to others is looked at, not what their own work costs. */
const PAUSE_OF_GUESTS_MS = 50;
const LONGEST_CALL_MS = 30_000;

type GoodCall = (pool: Pool, value: number) => Promise<unknown>;

const GOOD_CALLS: Readonly<Record<string, GoodCall>> = {
  query: async (pool, value) => (await pool.query('SELECT ? AS value', [value]))[0],
  execute: async (pool, value) => (await pool.execute('SELECT ? AS value', [value]))[0],
  transaction: (pool, value) =>
    pool.transaction(async (tx) => {
      await tx.query('UPDATE accounts SET amount = amount + 1 WHERE id = ?', [value % 100]);
      return (await tx.query('SELECT ? AS value', [value]))[0];
    }),
  'by hand': async (pool, value) => {
    await using connection = await pool.getConnection();
    return (await connection.query('SELECT ? AS value', [value]))[0];
  },
};

/** What good callers met while guests had these manners. */
export class Experience {
  calls = 0;
  readonly failures = new Map<string, number>();
  readonly durations: RecordableHistogram = createHistogram();
  /** Connections that the server accepted meanwhile. */
  opened = 0;
  seconds = 0;

  percentileMs(percent: number): number {
    return this.durations.percentile(percent) / 1_000;
  }
}

export class Crowd {
  readonly experiences: Readonly<Record<Manners, Experience>> = { polite: new Experience(), hostile: new Experience() };
  /** How visits of guests ended: `guest: outcome`, by manners. */
  readonly visits: Readonly<Record<Manners, Map<string, number>>> = { polite: new Map(), hostile: new Map() };
  /** What must never happen, with how often. */
  readonly violations = new Map<string, number>();
  manners: Manners = 'polite';
  /** While it is false, nothing is noted: the run is warming up. */
  isNoting = false;
  #stopped = false;
  readonly #abort = new AbortController();
  readonly #callers: Promise<void>[] = [];

  constructor(private readonly pool: Pool) {}

  start({ good, guests }: { readonly good: number; readonly guests: number }): void {
    const kinds = Object.keys(GOOD_CALLS);
    for (let caller = 0; caller < good; caller += 1) this.#callers.push(this.#call(kinds, caller));
    for (let guest = 0; guest < guests; guest += 1) this.#callers.push(this.#visit(guest));
  }

  /** Resolves when every call has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#callers);
  }

  violation(what: string): void {
    this.violations.set(what, (this.violations.get(what) ?? 0) + 1);
  }

  async #call(kinds: readonly string[], caller: number): Promise<void> {
    for (let turn = caller; !this.#stopped; turn += 1) {
      const kind = kinds[turn % kinds.length] as string;
      const { manners, isNoting } = this;
      const startedAt = performance.now();
      const failure = await this.#failureOf(kind, turn);
      const ms = performance.now() - startedAt;
      if (ms > LONGEST_CALL_MS) this.violation(`a good call took ${Math.round(ms)} ms`);
      // A call that saw both manners counts for neither.
      if (isNoting && manners === this.manners) {
        const experience = this.experiences[manners];
        experience.calls += 1;
        experience.durations.record(Math.max(1, Math.round(ms * 1_000)));
        if (failure !== undefined) count(experience.failures, `${kind}: ${failure}`);
      }
      await delay(PAUSE_OF_GOOD_MS);
    }
  }

  async #failureOf(kind: string, value: number): Promise<string | undefined> {
    try {
      const rows = (await GOOD_CALLS[kind]?.(this.pool, value)) as readonly { readonly value: unknown }[];
      if (Number(rows[0]?.value) !== value) this.violation(`${kind}: the answer of another statement`);
      return undefined;
    } catch (error) {
      const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
      return String(code ?? message);
    }
  }

  async #visit(first: number): Promise<void> {
    const names = Object.keys(GUESTS);
    for (let turn = first; !this.#stopped; turn += 1) {
      const name = names[turn % names.length] as string;
      const { manners } = this;
      const guest = GUESTS[name] as Guest;
      // A misuse may throw at once, as it does on mysql2's own pool.
      const visit = Promise.resolve()
        .then(() => guest[manners](this.pool, this.#abort.signal))
        .then(
          () => 'ok',
          (error: { readonly code?: unknown; readonly message?: unknown }) => String(error.code ?? error.message),
        );
      const outcome = await orTooLate(visit);
      if (outcome === 'no end') this.violation(`a visit did not end within ${LONGEST_CALL_MS} ms: ${name}`);
      count(this.visits[manners], `${name}: ${outcome}`);
      if (manners === 'polite' && outcome !== 'ok') this.violation(`a polite guest failed: ${name}: ${outcome}`);
      await delay(PAUSE_OF_GUESTS_MS);
    }
  }
}

/** The outcome of a visit, or `no end` when it takes too long. */
async function orTooLate(visit: Promise<string>): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, LONGEST_CALL_MS, 'no end');
  });
  try {
    return await Promise.race([visit, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
