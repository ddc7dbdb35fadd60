/** The process of one instance: a handler that asks the database twice, as a small service does. */

import { setTimeout as sleep } from 'node:timers/promises';
import { accountOf, SMALL_COLUMNS } from '../../data.js';
import type { FromInstance, Setup, ToInstance } from './messages.js';

const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;
const ACCOUNTS = 1_000;

/** What a handler computes between its two statements. */
const OWN_WORK_MS = 5;

type Query = (sql: string, values: readonly unknown[]) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** Where @vercel/functions looks for the context of the request. */
const REQUEST_CONTEXT = Symbol.for('@vercel/request-context');

let query: Query | undefined;
let underWay = 0;
let invocations = 0;
/** What keeps the instance awake after its answers. */
let pending = 0;

function tell(message: FromInstance): void {
  process.send?.(message);
}

function rest(): void {
  if (underWay === 0 && pending === 0) tell({ kind: 'resting', invocations });
}

function waitUntil(promise: Promise<unknown>): void {
  pending += 1;
  const settled = (): void => {
    pending -= 1;
    rest();
  };
  promise.then(settled, settled);
}

async function open({ address, access, waitTimeoutS }: Setup): Promise<Query> {
  const { host, port, user, password, database } = address;
  const target = { host, port, user, password, database };
  const shorten = `SET SESSION wait_timeout = ${waitTimeoutS}`;
  if (access.pool === 'serverless-mysql') {
    const { default: serverlessMysql } = await import('serverless-mysql');
    const client = serverlessMysql({ config: { ...target, ssl: undefined }, ...access.options } as never);
    return async (sql, values) => {
      await client.query(shorten);
      const rows = await client.query<Readonly<Record<string, unknown>>[]>(sql, [...values]);
      await client.end();
      return rows;
    };
  }
  const pool =
    access.pool === 'poolwright'
      ? (await import('poolwright')).createPool({
          ...target,
          ...access.options,
          onConnect: async (connection) => void (await connection.query(shorten)),
        })
      : (await import('mysql2/promise')).createPool({ ...target, ...access.options });
  if (access.pool === 'mysql2') pool.on('connection', (connection) => void connection.query(shorten));
  if (access.attached) {
    const { attachDatabasePool } = await import('@vercel/functions');
    // mysql2's promise pool is refused: it has no `config`.
    attachDatabasePool(access.pool === 'mysql2' ? pool.pool : pool);
  }
  return async (sql, values) => {
    const [rows] = await pool.query(sql, values as never);
    return rows as Readonly<Record<string, unknown>>[];
  };
}

async function ask(id: number): Promise<void> {
  const [row] = await (query as Query)(SQL, [id]);
  if (row?.['name'] !== accountOf(id)['name']) throw new Error('wrong answer');
}

async function invoke(id: number): Promise<void> {
  underWay += 1;
  invocations += 1;
  let failure: string | undefined;
  try {
    await ask((id % ACCOUNTS) + 1);
    await sleep(OWN_WORK_MS);
    await ask(((id * 7) % ACCOUNTS) + 1);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  underWay -= 1;
  tell({ kind: 'done', id, ...(failure === undefined ? {} : { error: failure }) });
  rest();
}

process.env['VERCEL_URL'] = 'shop.example';
process.env['VERCEL_REGION'] = 'iad1';
Reflect.set(globalThis, REQUEST_CONTEXT, { get: () => ({ waitUntil }) });

process.on('message', (message: ToInstance) => {
  if (message.kind === 'invoke') void invoke(message.id);
  else
    void open(message).then((opened) => {
      query = opened;
      tell({ kind: 'ready' });
    });
});
process.once('disconnect', () => process.exit());
