/** The agents: how each is loaded, where it sends its spans, and what it makes of mysql2's own pool. */
import { decode } from '@msgpack/msgpack';
import type { Collector, Sent } from './collector.js';

/** A span as the tests read it. */
export interface Span {
  readonly id: string;
  readonly parent?: string | undefined;
  readonly name: string;
  /** The text of its statement. */
  readonly sql?: string | undefined;
  /** How long it waited for its connection, in milliseconds. */
  readonly wait?: number | undefined;
  /** Whether it is marked as an error. */
  readonly failed?: boolean | undefined;
}

/** An agent under test. */
export interface Agent {
  readonly name: string;
  readonly packageName: string;
  /** The oldest line of Node that it supports, by the `engines` of its package. */
  readonly since: number;
  /** What `--require` loads, and what `--import` loads; the program in the project that reads its spans comes after it. */
  readonly required: readonly string[];
  readonly imported: readonly string[];
  /** The file in this folder that makes requests and reads spans. */
  readonly file: string;
  /** Whether each statement has the right parent in mysql2's own pool, where it has waited. */
  readonly rightInMysql2: boolean;
  /** It reports how long a statement waited for its connection. */
  readonly waits?: true;
  /** It marks the span of a statement that fails as an error, also in mysql2's own pool. */
  readonly marksErrors: boolean;
  environment?(collector: Collector): Readonly<Record<string, string>>;
  /** Reads what was sent; without it, the program prints its spans. */
  spansIn?(sent: readonly Sent[]): readonly Span[];
}

interface DatadogSpan {
  readonly span_id: bigint | number;
  readonly parent_id: bigint | number;
  readonly name: string;
  readonly resource: string;
  readonly error: number;
  readonly metrics: Readonly<Record<string, number>>;
}

interface ElasticLine {
  readonly transaction?: { readonly id: string; readonly name: string };
  readonly span?: {
    readonly id: string;
    readonly parent_id: string;
    readonly name: string;
    readonly outcome: string;
    readonly context?: { readonly db?: { readonly statement?: string } };
  };
}

function datadogSpans(sent: readonly Sent[]): Span[] {
  const traces = sent
    .filter(({ path }) => path.endsWith('/traces'))
    .flatMap(({ body }) => decode(body, { useBigInt64: true }) as DatadogSpan[][]);
  return traces.flat().map(({ span_id: id, parent_id: parent, name, resource, error, metrics }) => ({
    id: String(id),
    parent: String(parent),
    name,
    sql: name === 'mysql.query' ? resource : undefined,
    wait: metrics['mysql2.pool.wait_time'],
    failed: error === 1,
  }));
}

function elasticSpans(sent: readonly Sent[]): Span[] {
  const lines = sent
    .filter(({ path }) => path.startsWith('/intake'))
    .flatMap(({ body }) => body.toString().trim().split('\n'))
    .map((line) => JSON.parse(line) as ElasticLine);
  return lines.flatMap(({ transaction, span }): Span[] => {
    if (transaction !== undefined) return [{ id: transaction.id, name: transaction.name }];
    if (span === undefined) return [];
    const { id, parent_id: parent, name, outcome, context } = span;
    return [{ id, parent, name, sql: context?.db?.statement, failed: outcome === 'failure' }];
  });
}

/** The agents that are tested. */
export const AGENTS: readonly Agent[] = [
  {
    name: 'OpenTelemetry',
    packageName: '@opentelemetry/instrumentation-mysql2',
    since: 22,
    marksErrors: true,
    required: [],
    imported: [],
    file: 'opentelemetry.cjs',
    rightInMysql2: false,
  },
  {
    name: 'Datadog',
    packageName: 'dd-trace',
    since: 22,
    marksErrors: true,
    required: ['dd-trace/init'],
    imported: ['dd-trace/initialize.mjs'],
    file: 'datadog.cjs',
    rightInMysql2: true,
    waits: true,
    environment: ({ url }) => ({
      DD_TRACE_AGENT_URL: url,
      DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
      DD_REMOTE_CONFIGURATION_ENABLED: 'false',
      DD_TRACE_STARTUP_LOGS: 'false',
    }),
    spansIn: datadogSpans,
  },
  {
    name: 'Sentry',
    packageName: '@sentry/node',
    since: 20,
    marksErrors: true,
    required: [],
    imported: [],
    file: 'sentry.cjs',
    rightInMysql2: true,
  },
  {
    name: 'Elastic APM',
    packageName: 'elastic-apm-node',
    since: 14,
    marksErrors: false,
    required: ['elastic-apm-node/start.js'],
    imported: ['elastic-apm-node/start.js'],
    file: 'elastic.cjs',
    rightInMysql2: false,
    environment: ({ url }) => ({
      ELASTIC_APM_SERVER_URL: url,
      ELASTIC_APM_SERVICE_NAME: 'requests',
      // It would ask the server.
      ELASTIC_APM_APM_SERVER_VERSION: '8.0.0',
      ELASTIC_APM_CENTRAL_CONFIG: 'false',
      ELASTIC_APM_CLOUD_PROVIDER: 'none',
      ELASTIC_APM_METRICS_INTERVAL: '0',
      ELASTIC_APM_LOG_LEVEL: 'off',
      // It leaves out what is short, and puts together what is alike.
      ELASTIC_APM_EXIT_SPAN_MIN_DURATION: '0ms',
      ELASTIC_APM_SPAN_COMPRESSION_ENABLED: 'false',
    }),
    spansIn: elasticSpans,
  },
  {
    name: 'New Relic',
    packageName: 'newrelic',
    since: 22,
    marksErrors: false,
    required: ['newrelic'],
    imported: ['newrelic/esm-loader.mjs', 'newrelic'],
    file: 'newrelic.cjs',
    rightInMysql2: true,
    environment: () => ({
      NEW_RELIC_APP_NAME: 'requests',
      NEW_RELIC_SERVERLESS_MODE_ENABLED: 'true',
      NEW_RELIC_NO_CONFIG_FILE: 'true',
      NEW_RELIC_LOG_ENABLED: 'false',
      NEW_RELIC_RECORD_SQL: 'raw',
    }),
  },
  {
    name: 'Instana',
    packageName: '@instana/collector',
    since: 18,
    marksErrors: true,
    required: ['@instana/collector/src/immediate'],
    imported: ['@instana/collector/esm-register.mjs'],
    file: 'instana.cjs',
    rightInMysql2: true,
    environment: ({ port }) => ({
      INSTANA_AGENT_HOST: '127.0.0.1',
      INSTANA_AGENT_PORT: String(port),
      INSTANA_LOG_LEVEL: 'error',
    }),
  },
];
