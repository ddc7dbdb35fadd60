/** The description of the monitoring server's API for clients without tRPC: it is made, it is valid, and the server answers as it says. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createQueryCache } from '../../../src/cache/index.js';
import { read, root } from '../../docs/table-in.js';
import { openPool } from '../../support/pool-on-database.js';
import { scriptedCluster } from '../support/scripted-cluster.js';
import { scriptedFleet } from '../support/scripted-fleet.js';
import { serve } from '../support/serve.js';
import { describeApi } from './description.js';
import type { Schema } from './type-schemas.js';

const FILE = 'src/monitor/server/openapi.json';

interface Operation {
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }>>;
}
interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<'get' | 'post', Operation | undefined>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** What is given to each procedure that has an input; the last ones change the pool. */
const INPUTS: Readonly<Record<string, object>> = {
  connectionPoolHealth: { pool: 'orders', deep: true },
  connectionPoolStats: { pool: 'orders' },
  history: { pool: 'orders', from: 0, most: 100 },
  cacheStats: { pool: 'orders' },
  topology: { pool: 'shop' },
  fleet: { pool: 'fleeted' },
  slowQueries: { pool: 'orders', orderBy: 'p99' },
  invalidate: { pool: 'orders', tags: ['users'] },
  isolateBreaker: { pool: 'orders', breaker: 'statement' },
  closeBreaker: { pool: 'orders', breaker: 'statement' },
  evict: { pool: 'orders' },
  suspend: { pool: 'orders' },
  resume: { pool: 'orders' },
  resize: { pool: 'orders', connectionLimit: { min: 2, max: 4 } },
  drain: { pool: 'fleeted', timeoutMs: 100 },
};

/** Whether an answer is as the description says, and says nothing beside it. */
function validators({ components }: Description): (schema: Schema) => ValidateFunction {
  const strict = (schema: unknown): unknown => {
    if (Array.isArray(schema)) return schema.map(strict);
    if (typeof schema !== 'object' || schema === null) return schema;
    const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, strict(value)]));
    return 'properties' in inner && !('additionalProperties' in inner) ? { ...inner, additionalProperties: false } : inner;
  };
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  ajv.addSchema({ $id: 'api', components: strict(components) });
  const inApi = (schema: unknown): object => JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')) as object;
  return (schema) => ajv.compile(inApi(strict(schema)));
}

describe('the OpenAPI description', () => {
  it('is made of the schemas and types of the procedures, and is valid', async () => {
    const made = await describeApi();
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(root + FILE, `${JSON.stringify(made, null, 2)}\n`);
    expect(JSON.parse(read(FILE))).toEqual(made);
    const { valid, errors } = await new Validator().validate(structuredClone(made) as Record<string, unknown>);
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  });

  it('is what the server answers at each path', async () => {
    await using fixture = await openPool({ name: 'orders', connectionLimit: 3, cache: createQueryCache(), leakDetectionThreshold: 60_000 });
    await using cluster = await scriptedCluster();
    await using fleet = scriptedFleet('fleeted');
    const { pool } = fixture;
    await pool.query('SELECT 1');
    await pool.query('SELECT nothing FROM nowhere').catch(() => undefined);
    await using server = await serve({ pools: [pool, cluster.db, fleet.pool], token: 'reader', operateToken: 'operator' });
    const ask = (path: string, token = 'operator', rest: RequestInit = {}): Promise<Response> =>
      fetch(`${server.url}${path}`, { ...rest, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });

    expect((await fetch(`${server.url}/openapi.json`)).status).toBe(401);
    const description = (await (await ask('/openapi.json', 'reader')).json()) as Description;
    expect(description).toEqual(JSON.parse(read(FILE)));
    const validatorOf = validators(description);

    /** What is wrong with an answer. */
    const faultOf = async (path: string, answer: Response, operation: Operation): Promise<unknown> => {
      const { content } = operation.responses[answer.status] ?? operation.responses['default'] ?? { content: {} };
      const [type = 'none', { schema } = { schema: {} }] = Object.entries(content)[0] ?? [];
      if (answer.headers.get('content-type')?.startsWith(type) !== true) return [path, answer.status, answer.headers.get('content-type')];
      if (type !== 'application/json') return undefined;
      const validate = validatorOf(schema);
      return validate(await answer.json()) ? undefined : [path, answer.status, validate.errors];
    };

    const order = Object.keys(INPUTS);
    const paths = Object.entries(description.paths).toSorted(
      ([one], [other]) => order.indexOf(one.split('.').at(-1) ?? '') - order.indexOf(other.split('.').at(-1) ?? ''),
    );
    await using borrowed = await pool.getConnection();
    await borrowed.query('SELECT 2');
    for (const [path, { get, post }] of paths) {
      const name = path.split('.').at(-1) ?? '';
      const input = JSON.stringify(INPUTS[name] ?? {});
      if (name === 'live') {
        const abort = new AbortController();
        const { status, headers, body } = await ask(path, 'reader', { signal: abort.signal });
        expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream']);
        const snapshot = await firstSnapshot(body);
        abort.abort();
        const validate = validatorOf({ $ref: '#/components/schemas/LiveSnapshot' });
        expect([validate(snapshot), validate.errors]).toEqual([true, null]);
      } else if (get !== undefined) {
        const query = path.startsWith('/api/') && name in INPUTS ? `?input=${encodeURIComponent(input)}` : '';
        const answer = await ask(`${path}${query}`);
        expect([path, answer.status]).toEqual([path, 200]);
        expect(await faultOf(path, answer, get)).toBeUndefined();
      } else if (post !== undefined) {
        expect(await faultOf(path, await ask(path, 'reader', { method: 'POST', body: input }), post)).toBeUndefined();
        const answer = await ask(path, 'operator', { method: 'POST', body: input });
        expect([path, answer.status]).toEqual([path, 200]);
        expect(await faultOf(path, answer, post)).toBeUndefined();
      }
    }
    const missing = await ask(`/api/trpc/monitoring.connectionPoolStats?input=${encodeURIComponent('{"pool":"none"}')}`);
    expect(missing.status).toBe(404);
    const { get: stats } = description.paths['/api/trpc/monitoring.connectionPoolStats'] ?? {};
    expect(stats === undefined ? 'no path' : await faultOf('stats', missing, stats)).toBeUndefined();
  });
});

/** The data of the first event that is a snapshot. */
async function firstSnapshot(body: ReadableStream<Uint8Array> | null): Promise<unknown> {
  let received = '';
  const decoder = new TextDecoder();
  if (body !== null) {
    for await (const chunk of body) {
      received += decoder.decode(chunk, { stream: true });
      for (const event of received.split('\n\n').slice(0, -1)) {
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (!/^event: /m.test(event) && data !== undefined && data !== '') return JSON.parse(data);
      }
    }
  }
  throw new Error('The stream has ended.');
}
