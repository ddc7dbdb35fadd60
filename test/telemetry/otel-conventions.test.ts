import { AggregationTemporality, DataPointType, type MetricData } from '@opentelemetry/sdk-metrics';
import { SamplingDecision } from '@opentelemetry/sdk-trace-base';
import { type Attributes, SpanKind } from '@opentelemetry/api';
import { readFileSync } from 'node:fs';
import { expect, describe, it } from 'vitest';
import { instrumentPools } from '../../src/telemetry/otel.js';
import { openPool, whileHolding } from '../support/pool-on-database.js';
import { makeMetrics, makeTracing } from './collectors.js';
import { AT_CREATION, CONNECTION_STATES, type ConventionOfAttribute, METRICS, SPAN_ATTRIBUTES, VERSION } from './conventions.js';

/** Statements with one table, with two, without one, with an error, with a procedure, prepared, and several in one text. */
async function workOnEverything({ pool }: Awaited<ReturnType<typeof openPool>>): Promise<void> {
  await pool.query('CREATE TABLE users (id INT PRIMARY KEY)');
  await pool.query('CREATE TABLE orders (id INT PRIMARY KEY)');
  await pool.query('CREATE PROCEDURE touch() SELECT 1');
  await pool.query('SELECT id FROM users WHERE id = ?', [7]);
  await pool.execute('SELECT u.id FROM users u JOIN orders o ON o.id = u.id WHERE u.id = ?', [7]);
  await pool.query('CALL touch()');
  await pool.query('SELECT 1; SELECT 2');
  await expect(pool.query('SELECT * FROM no_such_table')).rejects.toMatchObject({ errno: 1146 });
  await whileHolding(pool, 1, () => expect(pool.getConnection({ timeout: 1 })).rejects.toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' }));
}

function kindOf({ dataPointType, ...metric }: MetricData): string {
  if (dataPointType === DataPointType.HISTOGRAM) return 'histogram';
  return 'isMonotonic' in metric && metric.isMonotonic ? 'counter' : 'updowncounter';
}

function expectByConvention(attributes: Attributes, convention: Readonly<Record<string, ConventionOfAttribute>>): void {
  expect(Object.keys(convention)).toEqual(expect.arrayContaining(Object.keys(attributes)));
  const required = Object.keys(convention).filter((name) => convention[name]?.level === 'required');
  expect(Object.keys(attributes)).toEqual(expect.arrayContaining(required));
}

describe(`by the conventions ${VERSION}`, () => {
  it('metrics have the names, kinds, units and attributes, and none is missing', async () => {
    await using fixture = await openPool({ connectionLimit: 1, multipleStatements: true, name: 'orders' });
    const { meterProvider, collected } = makeMetrics();
    using _instrumentation = instrumentPools({ pools: fixture.pool, meterProvider });
    await workOnEverything(fixture);
    const found = await collected();
    const described = (name: string, instrument: string, unit: string) => `${name}: ${instrument} in ${unit}`;
    expect(
      [...found.values()].map((metric) => described(metric.descriptor.name, kindOf(metric), metric.descriptor.unit)).toSorted(),
    ).toEqual(
      Object.entries(METRICS)
        .map(([name, { instrument, unit }]) => described(name, instrument, unit))
        .toSorted(),
    );
    for (const [name, { dataPoints, aggregationTemporality }] of found) {
      expect(aggregationTemporality).toBe(AggregationTemporality.CUMULATIVE);
      expect(dataPoints.length).toBeGreaterThan(0);
      for (const { attributes } of dataPoints) expectByConvention(attributes, METRICS[name]?.attributes ?? {});
    }
    const states = found.get('db.client.connection.count')?.dataPoints.map(({ attributes }) => attributes['db.client.connection.state']);
    expect(states?.toSorted()).toEqual(CONNECTION_STATES);
    await meterProvider.shutdown();
  });

  it('spans of statements have the attributes: those that are required, and those whose condition is met', async () => {
    await using fixture = await openPool({ connectionLimit: 1, multipleStatements: true });
    const { exporter, tracerProvider } = makeTracing();
    using _instrumentation = instrumentPools({ pools: fixture.pool, tracerProvider });
    await workOnEverything(fixture);
    const { database, port } = fixture.database;
    const spans = exporter.getFinishedSpans().filter(({ kind }) => kind === SpanKind.CLIENT);
    expect(spans.length).toBeGreaterThan(0);
    for (const { name, attributes } of spans) {
      expectByConvention(attributes, SPAN_ATTRIBUTES);
      expect(attributes['db.query.summary']).toBe(name);
      expect(attributes).toMatchObject({ 'db.namespace': database, 'server.address': '127.0.0.1', 'server.port': port });
    }
    const named = (name: string): Attributes | undefined => spans.find((span) => span.name === name)?.attributes;
    expect(named('SELECT users')).toMatchObject({ 'db.operation.name': 'SELECT', 'db.collection.name': 'users' });
    expect(named('SELECT users orders')).not.toHaveProperty('db.collection.name');
    expect(named('CALL touch')).toMatchObject({ 'db.operation.name': 'CALL', 'db.stored_procedure.name': 'touch' });
    expect(named('SELECT no_such_table')).toMatchObject({ 'db.response.status_code': '1146', 'error.type': '1146' });
    const several = spans.find(({ attributes }) => attributes['db.query.text'] === 'SELECT ?; SELECT ?');
    expect(several?.attributes).not.toHaveProperty('db.operation.name');
  });

  it('samplers see what they may decide by', async () => {
    const seen: Attributes[] = [];
    const sampler = {
      shouldSample: (_context: unknown, _trace: string, _name: string, kind: SpanKind, attributes: Attributes) => {
        if (kind === SpanKind.CLIENT) seen.push(attributes);
        return { decision: SamplingDecision.NOT_RECORD };
      },
    };
    await using fixture = await openPool();
    using _instrumentation = instrumentPools({ pools: fixture.pool, tracerProvider: makeTracing(sampler).tracerProvider });
    await fixture.pool.query('SELECT 1');
    expect(seen.length).toBeGreaterThan(0);
    for (const attributes of seen) expect(Object.keys(attributes)).toEqual(expect.arrayContaining(AT_CREATION));
  });

  it('the documentation says which metric is stable, and of which version the conventions are', () => {
    const text = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
    expect(text).toContain(`version ${VERSION}`);
    for (const [name, { instrument, unit, stability }] of Object.entries(METRICS)) {
      expect(text).toContain(`| \`${name}\` | ${instrument} | \`${unit}\` | ${stability} |`);
    }
  });
});
