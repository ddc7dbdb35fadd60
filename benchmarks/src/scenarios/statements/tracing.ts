import type * as Mysql2 from 'mysql2/promise';
import { context, SpanKind, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createRequire } from 'node:module';
import { ACCOUNTS, SMALL_COLUMNS } from '../../data.js';
import type { ConnectionPool, Row } from '../../rivals/lender.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Address, Case, Contestant, CreateContestant, Figures, Scenario } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { inParallel, turnsOf } from '../timing.js';

const SIZE = 20;
const OPERATIONS = 1_000;
const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

interface TracingCase extends Case {
  readonly callers: number;
  readonly method: 'query' | 'execute';
}

/** What records spans in a process that traces, and how many it was given. */
interface Sdk {
  readonly provider: BasicTracerProvider;
  readonly tracer: Tracer;
  spans: number;
}

export const tracing: Scenario<TracingCase> = {
  name: 'tracing',
  title: 'What tracing costs',
  about:
    'Statements with and without OpenTelemetry: `instrumentPools` of poolwright/otel, and @opentelemetry/instrumentation-mysql2 on the pool of mysql2.',
  heldFixed: [
    `${SIZE} connections to one MariaDB on the same machine, all open before the first round; small rows by primary key. The case names the number of callers. Traced statements run inside the span of one request.`,
    'Four processes take turns: each pool with tracing, and each without any of it (no SDK, no asynchronous context of its own). The cost of tracing is the difference between two processes within the same round, a tenth of a second apart, in CPU time of the process (user and system). A busy machine therefore widens the spread, but hardly moves the median. A figure below zero is less than the noise.',
    'The SDK of both: a provider of spans that records all of them, a batch processor whose exporter drops them, and the context manager on AsyncLocalStorage. No metrics: the instrumentation of mysql2 does not measure statements.',
    'Both have their defaults: `instrumentPools` shows the text with `?`, the instrumentation writes the text with its values. Poolwright has a second span, `acquire connection`, if a statement waited for its connection: with 200 callers, nearly always. Each round checks that every statement had its span.',
    '@opentelemetry/instrumentation-mysql2 0.69 and SDK 2.12: the last ones for Node 20.',
  ],
  cases: [
    { name: '1 caller', method: 'query', callers: 1, quick: true },
    { name: '20 callers', method: 'query', callers: 20, quick: true },
    { name: '200 callers', method: 'query', callers: 200 },
    { name: 'prepared, 20 callers', method: 'execute', callers: 20 },
  ],
  metrics: {
    added: { label: 'CPU that tracing adds to a statement', unit: 'ns', compared: true },
    addedUser: { label: 'of it outside the system (user time)', unit: 'ns' },
    cpu: { label: 'CPU of a statement', unit: 'ns' },
  },
  differences: {
    added: { of: 'cpu', beyond: { poolwright: 'poolwright, untraced', 'mysql2 + instrumentation': 'mysql2, untraced' } },
    addedUser: { of: 'user', beyond: { poolwright: 'poolwright, untraced', 'mysql2 + instrumentation': 'mysql2, untraced' } },
  },
  ours: ['poolwright'],
  limits: ['poolwright, untraced', 'mysql2, untraced'],
  rounds: 41,
  warmUpRounds: 5,
  ownCores: true,
  roundLimitMs: 60_000,
  contestants: {
    poolwright: contestant(openOurs, true),
    'poolwright, untraced': contestant(openOurs, false),
    'mysql2 + instrumentation': contestant(openMysql2, true),
    'mysql2, untraced': contestant(openMysql2, false),
  },
};

type Open = (address: Address, sdk: Sdk | undefined) => Promise<ConnectionPool>;

function contestant(open: Open, traced: boolean): CreateContestant<TracingCase> {
  return async (surroundings) => {
    const sdk = traced ? startSdk() : undefined;
    const pool = await warmedConnections(await open(surroundings.database, sdk), SIZE, surroundings);
    return { ...measured(pool, sdk), connections: SIZE };
  };
}

function measured(pool: ConnectionPool, sdk: Sdk | undefined): Contestant<TracingCase> {
  return {
    async run({ callers, method }, { number, scale }) {
      const each = turnsOf(OPERATIONS, callers, scale);
      const random = seededRandom(number);
      const work = (): Promise<void> => inParallel(callers, each, () => ask(pool, method, 1 + Math.floor(random() * ACCOUNTS)));
      if (sdk === undefined) return await processorTimeOf(callers * each, work);
      // Those of the statements that came before.
      await sdk.provider.forceFlush();
      sdk.spans = 0;
      const found = await inRequest(sdk.tracer, () => processorTimeOf(callers * each, work));
      await sdk.provider.forceFlush();
      if (sdk.spans !== callers * each) throw new Error(`${sdk.spans} spans of ${callers * each} statements`);
      return found;
    },
    close: () => pool.close(),
  };
}

/** Of this process, for each of `operations`, in nanoseconds. */
async function processorTimeOf(operations: number, work: () => Promise<unknown>): Promise<Figures> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpu: ((user + system) * 1_000) / operations, user: (user * 1_000) / operations };
}

function inRequest<T>(tracer: Tracer, work: () => Promise<T>): Promise<T> {
  const span = tracer.startSpan('request');
  return context.with(trace.setSpan(context.active(), span), async () => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}

async function ask(pool: ConnectionPool, method: 'query' | 'execute', id: number): Promise<void> {
  const rows = pool.rowsOf(await (pool as Required<ConnectionPool>)[method](SQL, [id]));
  if (rows.length !== 1 || rows[0]?.['id'] !== id) throw new Error(`wrong answer for ${id}`);
}

function startSdk(): Sdk {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = {
    export: (batch: readonly { readonly kind: SpanKind }[], done: (result: { readonly code: number }) => void) => {
      sdk.spans += batch.filter(({ kind }) => kind === SpanKind.CLIENT).length;
      done({ code: 0 });
    },
    shutdown: () => Promise.resolve(),
  };
  const processor = new BatchSpanProcessor(exporter, { maxQueueSize: 1_000_000, maxExportBatchSize: 512 });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  const sdk: Sdk = { provider, tracer: provider.getTracer('benchmark'), spans: 0 };
  return sdk;
}

async function openOurs(address: Address, sdk: Sdk | undefined): Promise<ConnectionPool> {
  const { openPoolwright } = await import('../../rivals/poolwright.js');
  if (sdk !== undefined) {
    const { pools } = await import('poolwright');
    const { instrumentPools } = await import('poolwright/otel');
    instrumentPools({ pools, tracerProvider: sdk.provider });
  }
  return openPoolwright({ address, limit: SIZE });
}

/** The instrumentation changes mysql2's classes when mysql2 is first required, so nothing here may load mysql2 before. */
async function openMysql2({ host, port, user, password, database }: Address, sdk: Sdk | undefined): Promise<ConnectionPool> {
  if (sdk !== undefined) {
    const { MySQL2Instrumentation } = await import('@opentelemetry/instrumentation-mysql2');
    new MySQL2Instrumentation().setTracerProvider(sdk.provider);
  }
  const mysql = createRequire(import.meta.url)('mysql2/promise') as typeof Mysql2;
  const pool = mysql.createPool({ host, port, user, password, database, connectionLimit: SIZE });
  return {
    acquire: () => pool.getConnection(),
    release: (connection) => (connection as Mysql2.PoolConnection).release(),
    query: (sql, values) => pool.query(sql, values as never),
    execute: (sql, values) => pool.execute(sql, values as never),
    queryOn: (connection, sql, values) => (connection as Mysql2.PoolConnection).query(sql, values as never),
    rowsOf: (result) => (result as [Row[]])[0],
    close: () => pool.end(),
  };
}
