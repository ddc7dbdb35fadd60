import type { QueryCacheOptions } from 'poolwright/cache';
import { ACCOUNTS, accountOf, SMALL_COLUMNS } from '../../data.js';
import type { Row } from '../../rivals/lender.js';
import type { Address } from '../../scenario.js';

/** What is asked of a cache, by the process that fills it and by the one that is measured. */

export type Question = 'small row' | 'aggregate';

/** What both processes are given. */
export interface CacheSettings {
  readonly database: Pick<Address, 'host' | 'port' | 'user' | 'password' | 'database'>;
  readonly redisUrl: string;
}

export const CALLERS = 200;
/** How many different small rows are asked for. */
export const HOT_ROWS = 500;
/** Longer than a run: nothing is loaded again. */
const TTL_MS = 3_600_000;

const SQL: Readonly<Record<Question, string>> = {
  'small row': `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`,
  aggregate: 'SELECT COUNT(*) AS accounts, SUM(balance) AS total, AVG(LENGTH(name)) AS mean, ? AS asker FROM accounts',
};

const TOTAL = Array.from({ length: ACCOUNTS }, (_, index) => Number(accountOf(index + 1)['balance'])).reduce((sum, one) => sum + one);

/** By number; made once: a read from memory takes less than making one. */
const ROWS = Array.from({ length: HOT_ROWS + 1 }, (_, number) => accountOf(number));

/** How many different answers there are: one row of each number from 1, one aggregate of each. */
export function differentAnswers(question: Question): number {
  return question === 'aggregate' ? CALLERS : HOT_ROWS;
}

export function statementOf(question: Question, number: number): { readonly sql: string; readonly values: number[] } {
  return { sql: SQL[question], values: [number] };
}

export function cachedStatementOf(question: Question, number: number) {
  return { sql: SQL[question], values: [number], cache: { ttl: TTL_MS } };
}

/** @throws Error when it is not the answer */
export function expectAnswer(question: Question, number: number, rows: unknown): void {
  const [row] = rows as Readonly<Record<string, unknown>>[];
  const account = ROWS[number] as Row;
  const isRight =
    question === 'aggregate'
      ? row?.['accounts'] === ACCOUNTS && Number(row['total']) === TOTAL && row['asker'] === number
      : row?.['id'] === number && row['name'] === account['name'] && row['balance'] === account['balance'];
  if (!isRight) throw new Error(`wrong answer to ${SQL[question]} for ${number}: ${JSON.stringify(rows)}`);
}

export function cacheOptionsOf(redisUrl: string): QueryCacheOptions {
  return { redis: { url: redisUrl, timeout: 1_000 } };
}
