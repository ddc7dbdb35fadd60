/** Makes the OpenAPI description of the monitoring server: inputs from the schemas of its procedures, answers from their types. */
import { join } from 'node:path';
import { z } from 'zod';
import { createMonitoringRouter } from '../../../src/monitor/api/router.js';
import { read } from '../../docs/table-in.js';
import { builtPackage } from '../../support/built.js';
import { type Schema, TypeSchemas } from './type-schemas.js';

interface Procedure {
  readonly _def: { readonly type: 'query' | 'mutation' | 'subscription'; readonly inputs: readonly { readonly schema: z.ZodType }[] };
}

/** The description as it is served at `/openapi.json`. */
export async function describeApi(): Promise<Schema> {
  const router = createMonitoringRouter({ pools: [], pgbouncer: false });
  // Beside the declarations that are shipped: they have the types of the procedures spelled out.
  const text = read('test/monitor/openapi/answers.ts').replaceAll("'../../../src/", "'./");
  const schemas = new TypeSchemas(join(await builtPackage(), 'dist/answers.ts'), text);
  const answers = schemas.propertiesOf('Answers');
  const readiness = schemas.schemaOf('Readiness');
  const liveness = schemas.schemaOf('Liveness');
  const procedures = Object.entries(router._def.procedures as unknown as Readonly<Record<string, Procedure>>);
  const { version } = JSON.parse(read('package.json')) as { readonly version: string };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Poolwright monitoring',
      version,
      description: 'The monitoring server over plain HTTP. Durations are in milliseconds, times are ISO 8601 or milliseconds since 1970.',
    },
    // The address of the server that serves this file.
    servers: [{ url: '/' }],
    security: [{}, { token: [] }],
    paths: {
      ...Object.fromEntries(procedures.map(([name, one]) => [`/api/trpc/monitoring.${name}`, procedurePath(name, one, answers.get(name))])),
      '/metrics': { get: operation('metrics', 'The metrics of all pools for Prometheus.', { '200': textAnswer('text/plain') }) },
      '/healthz': {
        get: operation('healthz', 'Whether the process is up. Without a token, the verdicts are left out.', {
          '200': jsonAnswer(liveness),
        }),
      },
      '/readyz': {
        get: operation('readyz', 'Whether the pools can serve. Without a token, names and texts are left out.', {
          '200': jsonAnswer(readiness),
          '503': jsonAnswer(readiness, 'A pool cannot serve.'),
        }),
      },
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'The option `token`; actions need `operateToken`.' } },
      schemas: { ...schemas.components, Problem: PROBLEM },
    },
  };
}

const PROBLEM: Schema = {
  description: 'Why a call failed. `data.reason` says what is missing: unknown-pool, unknown-breaker or no-cache.',
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        message: { type: 'string' },
        code: { type: 'number' },
        data: {
          type: 'object',
          properties: {
            code: { type: 'string' },
            httpStatus: { type: 'number' },
            path: { type: 'string' },
            reason: { enum: ['unknown-pool', 'unknown-breaker', 'no-cache'] },
          },
          required: ['code', 'httpStatus'],
        },
      },
      required: ['message', 'code', 'data'],
    },
  },
  required: ['error'],
};

/** What docs/trpc-api.md says of a procedure in its first sentences. */
function summaryOf(name: string): string {
  const [, text = ''] = new RegExp(`^### \`monitoring\\.${name}\` .*\\n\\n(.*)$`, 'm').exec(read('docs/trpc-api.md')) ?? [];
  if (text === '') throw new Error(`docs/trpc-api.md says nothing of ${name}`);
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
}

function procedurePath(name: string, { _def: { type, inputs } }: Procedure, answer: Schema | undefined): Schema {
  const [check] = inputs;
  const schema = check === undefined ? undefined : inputSchema(check.schema);
  const needed = check !== undefined && !check.schema.safeParse(undefined).success;
  const whole = answer === undefined ? { type: 'object' } : dataOf(answer);
  const responses = {
    '200': type === 'subscription' ? events(answer) : jsonAnswer(whole),
    default: jsonAnswer(REFUSED, 'The call failed.'),
  };
  const described = operation(name, summaryOf(name), responses);
  if (type === 'mutation') {
    return {
      post: { ...described, security: [{ token: [] }], requestBody: { required: needed, content: { 'application/json': { schema } } } },
    };
  }
  const parameter = { name: 'input', in: 'query', required: needed, content: { 'application/json': { schema } } };
  return { get: { ...described, parameters: [parameter] } };
}

const REFUSED: Schema = { $ref: '#/components/schemas/Problem' };

/** tRPC wraps each answer; that of an action has no data. */
function dataOf(answer: Schema): Schema {
  const none = Object.keys(answer).length === 0;
  const result = none ? { type: 'object' } : { type: 'object', properties: { data: answer }, required: ['data'] };
  return { type: 'object', properties: { result }, required: ['result'] };
}

function inputSchema(schema: z.ZodType): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as Schema & { $schema?: string };
  return rest;
}

function operation(operationId: string, description: string, responses: Schema): Schema {
  return { operationId, description, responses };
}

function jsonAnswer(schema: Schema, description = 'The answer.'): Schema {
  return { description, content: { 'application/json': { schema } } };
}

function textAnswer(type: string): Schema {
  return { description: 'The answer.', content: { [type]: { schema: { type: 'string' } } } };
}

/** OpenAPI 3.1 has no word for the events of a stream: the name of the extension is that of OpenAPI 3.2. */
function events(event: Schema | undefined): Schema {
  return {
    description: 'Server-sent events. The data of each event without a name is one snapshot.',
    content: { 'text/event-stream': { schema: { type: 'string' }, 'x-itemSchema': event } },
  };
}
