import { expect, it } from 'vitest';
import { createProject } from '../mirrors/support/project.js';
import { startStatementProxy } from '../support/network/statement-proxy.js';
import { createDatabase } from '../support/servers/database.js';

/** An application that knows nothing of Poolwright, but for what reports its pools. */
const APPLICATION = `
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import mysql from 'mysql2/promise';
import { pools } from 'poolwright';
import { instrumentPools } from 'poolwright/otel';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator({
  inject(from, carrier, setter) {
    const { traceId, spanId } = trace.getSpanContext(from);
    setter.set(carrier, 'traceparent', '00-' + traceId + '-' + spanId + '-01');
  },
  extract: (into) => into,
  fields: () => ['traceparent'],
});
instrumentPools({ pools, sqlComments: true });

const pool = mysql.createPool({ uri: process.env.TEST_URL, connectionLimit: 1 });
const cluster = mysql.createPoolCluster();
cluster.add('one', { uri: process.env.TEST_URL, connectionLimit: 1 });
const tracer = trace.getTracer('requests');
const request = (name, work) => tracer.startActiveSpan(name, async (span) => { await work(); span.end(); });
// Both wait for one connection.
await Promise.all([1, 2].map((n) => request('request ' + n, () => pool.query('DO ' + n))));
await request('request 3', () => cluster.of('*').query('DO 3'));
for (let time = 0; time < 2; time += 1) await request('prepared', () => pool.execute('SELECT ? AS prepared', [time]));
const digests = [...pools().values()].flatMap((one) => one.slowQueries()).map(({ digest }) => digest);
await pool.end();
await cluster.end();
const spans = exporter.getFinishedSpans();
const named = (id) => spans.find((span) => span.spanContext().spanId === id);
console.log(JSON.stringify({ digests, spans: spans.filter(({ name }) => name === 'DO').map((span) => ({
  comment: '00-' + span.spanContext().traceId + '-' + span.spanContext().spanId + '-01',
  parent: named(span.parentSpanContext.spanId).name,
})) }));
`;

it('under the hook, pools and clusters send the span of each statement, in the trace of its request', async () => {
  await using database = await createDatabase();
  await using proxy = await startStatementProxy({ port: database.port });
  await using project = await createProject();
  for (const name of ['api', 'context-async-hooks', 'sdk-trace-base']) await project.install(`@opentelemetry/${name}`);
  await project.write('app.mjs', APPLICATION);
  const { host, port } = proxy;
  const environment = { TEST_URL: database.url({ host, port }), POOLWRIGHT_QUIET: '1' };
  const { code, stdout, stderr } = await project.run('app.mjs', { flags: ['--import', 'poolwright/register'], environment });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { spans, digests } = JSON.parse(stdout) as { spans: { comment: string; parent: string }[]; digests: string[] };
  const sent = (sql: string) => proxy.statements.filter((text) => text.startsWith(sql));
  for (const n of [1, 2, 3]) {
    const span = spans.find(({ parent }) => parent === `request ${n}`);
    expect(sent(`DO ${n}`)).toEqual([`DO ${n} /*traceparent='${span?.comment}'*/`]);
  }
  expect(sent('SELECT ? AS prepared')).toEqual(['SELECT ? AS prepared']);
  expect(JSON.stringify(digests)).not.toContain('traceparent');
});
