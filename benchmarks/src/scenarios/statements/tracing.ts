import type * as Mysql2 from 'mysql2/promise';
import { context, SpanKind, trace, type Tracer } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createRequire } from 'node:module';
import { ACCOUNTS, SMALL_COLUMNS } from '../../data.js';
import type { ConnectionPool, Row } from '../../rivals/lender.js';
import { seededRandom } from '../../runner/shuffle.js';
import type { Address, Case, Contestant, CreateContestant, Scenario } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { type Cost, costOf, inParallel, turnsOf } from '../timing.js';

const SIZE = 20;
const OPERATIONS = 2_000;
const SQL = `SELECT ${SMALL_COLUMNS} FROM accounts WHERE id = ?`;

interface TracingCase extends Case {
  readonly callers: number;
}

/** A pool, and how to have its statements traced. */
interface Traceable {
  readonly pool: ConnectionPool;
  /** @returns ends it */
  begin(): () => void;
}

/** Counts what it is given and drops it: what an exporter does with spans is the same for both. */
interface Sdk {
  readonly provider: BasicTracerProvider;
  readonly tracer: Tracer;
  spans: number;
}

export const tracing: Scenario<TracingCase> = {
  name: 'tracing',
  title: 'What tracing costs',
  about:
    'Statements without tracing, and the same with OpenTelemetry: `instrumentPools` of poolwright/otel, and @opentelemetry/instrumentation-mysql2 on the pool of mysql2.',
  heldFixed: [
    `${SIZE} connections to one MariaDB on the same machine, all open before the first round; small rows by primary key, with the value put into the text. As many callers as the case says, inside the span of one request.`,
    'Each process is traced and not traced in turns (no, yes, yes, no) within each round, and compared with itself: the figures are what tracing adds to each statement. Below zero: less than the noise.',
    'The SDK of both: a provider of spans that records all of them, a batch processor whose exporter drops them, and the context manager on AsyncLocalStorage. No metrics: the instrumentation of mysql2 does not measure statements.',
    'Both have their defaults: `instrumentPools` makes values into `?`, the instrumentation writes the text with its values. Each round checks that every statement has had its span.',
    '@opentelemetry/instrumentation-mysql2 0.69 and SDK 2.12: the last ones for Node 20.',
  ],
  cases: [
    { name: '1 caller', callers: 1, quick: true },
    { name: '20 callers', callers: 20, quick: true },
    { name: '200 callers', callers: 200 },
  ],
  metrics: {
    cpu: { label: 'CPU that tracing adds to a statement', unit: 'ns', compared: true },
    time: { label: 'time that it adds', unit: 'ns' },
    untraced: { label: 'CPU of a statement without', unit: 'ns' },
  },
  ours: ['poolwright'],
  limits: [],
  rounds: 9,
  warmUpRounds: 2,
  roundLimitMs: 60_000,
  contestants: { poolwright: contestant(openOurs), 'mysql2 + instrumentation': contestant(openMysql2Instrumented) },
};

function contestant(open: (address: Address, sdk: Sdk) => Promise<Traceable>): CreateContestant<TracingCase> {
  return async (surroundings) => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const sdk = startSdk();
    const traceable = await open(surroundings.database, sdk);
    await warmedConnections(traceable.pool, SIZE, surroundings);
    const measuring = measured(traceable.pool, sdk, () => traceable.begin());
    return { ...measuring, connections: SIZE };
  };
}

function measured(pool: ConnectionPool, sdk: Sdk, begin: () => () => void): Contestant<TracingCase> {
  return {
    async run({ callers }, { number, scale }) {
      const each = turnsOf(OPERATIONS, callers, scale);
      const random = seededRandom(number);
      const stretch = (): Promise<Cost> =>
        inRequest(sdk.tracer, () =>
          costOf(callers * each, () => inParallel(callers, each, () => ask(pool, 1 + Math.floor(random() * ACCOUNTS)))),
        );
      const before = await stretch();
      const stop = begin();
      sdk.spans = 0;
      const traced = [await stretch(), await stretch()];
      await sdk.provider.forceFlush();
      stop();
      if (sdk.spans < 2 * callers * each) throw new Error(`${sdk.spans} spans of ${2 * callers * each} statements`);
      const untraced = [before, await stretch()];
      const added = (figure: keyof Cost): number => meanOf(traced, figure) - meanOf(untraced, figure);
      return { cpu: added('cpu'), time: added('time'), untraced: meanOf(untraced, 'cpu') };
    },
    close: () => pool.close(),
  };
}

function meanOf(costs: readonly Cost[], figure: keyof Cost): number {
  return costs.reduce((sum, cost) => sum + cost[figure], 0) / costs.length;
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

async function ask(pool: ConnectionPool, id: number): Promise<void> {
  const rows = pool.rowsOf(await pool.query(SQL, [id]));
  if (rows.length !== 1 || rows[0]?.['id'] !== id) throw new Error(`wrong answer for ${id}`);
}

function startSdk(): Sdk {
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

async function openOurs(address: Address, { provider }: Sdk): Promise<Traceable> {
  const { openPoolwright } = await import('../../rivals/poolwright.js');
  const { pools } = await import('poolwright');
  const { instrumentPools } = await import('poolwright/otel');
  return {
    pool: openPoolwright({ address, limit: SIZE }),
    begin: () => {
      const instrumentation = instrumentPools({ pools, tracerProvider: provider });
      return () => instrumentation.stop();
    },
  };
}

/** It changes mysql2's classes when mysql2 is first required, so nothing here may load mysql2 before; and changes them back when it is disabled. */
async function openMysql2Instrumented({ host, port, user, password, database }: Address, { provider }: Sdk): Promise<Traceable> {
  const { MySQL2Instrumentation } = await import('@opentelemetry/instrumentation-mysql2');
  const instrumentation = new MySQL2Instrumentation();
  instrumentation.setTracerProvider(provider);
  const mysql = createRequire(import.meta.url)('mysql2/promise') as typeof Mysql2;
  const pool = mysql.createPool({ host, port, user, password, database, connectionLimit: SIZE });
  instrumentation.disable();
  return {
    pool: {
      acquire: () => pool.getConnection(),
      release: (connection) => (connection as Mysql2.PoolConnection).release(),
      query: (sql, values) => pool.query(sql, values as never),
      queryOn: (connection, sql, values) => (connection as Mysql2.PoolConnection).query(sql, values as never),
      rowsOf: (result) => (result as [Row[]])[0],
      close: () => pool.end(),
    },
    begin: () => {
      instrumentation.enable();
      return () => instrumentation.disable();
    },
  };
}
