import type * as TrpcFastify from '@trpc/server/adapters/fastify';
import type * as TrpcRpc from '@trpc/server/rpc';
import type * as FastifyModule from 'fastify';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../engine/index.js';
import { requirePeer } from '../optional-peer.js';
import { bearerCheck, hostCheck } from './access.js';
import { Monitoring, type Readiness } from './monitoring.js';
import { servedRouter } from './procedures.js';
import { type MonitoringServerOptions, type ResolvedServerOptions, resolveServerOptions } from './server-options.js';

export type { MonitoringServerRouter, PgBouncerOptions, PoolCollection, PoolSource } from './router.js';
export type { MonitoringServerOptions } from './server-options.js';

const SUBPATH = 'poolwright/server';
const { fastify } = requirePeer('fastify', SUBPATH) as typeof FastifyModule;
const { fastifyRequestHandler } = requirePeer('@trpc/server/adapters/fastify', SUBPATH) as typeof TrpcFastify;
const { TRPC_ERROR_CODES_BY_KEY } = requirePeer('@trpc/server/rpc', SUBPATH) as typeof TrpcRpc;

/** A monitoring server that listens. Disposing of it closes it. */
export interface MonitoringServer extends AsyncDisposable {
  /** For example 'http://127.0.0.1:9464', without a slash at the end. */
  readonly url: string;
  /** Where it listens. */
  readonly address: { readonly host: string; readonly port: number };
  /** Stops listening and ends all connections, idle or not. Later calls do nothing. */
  close(): Promise<void>;
}

/** Queries have no body; nothing that is served here is asked for with one. */
const BODY_LIMIT_BYTES = 16_384;
const MOST_CALLS_IN_A_BATCH = 50;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 5_000;
const CHECK_TIMEOUTS_EVERY_MS = 2_000;
/** The files of the process belong to the application, not to whoever connects here. */
const MOST_CONNECTIONS = 256;

/** Load balancers and orchestrators ask without a token. */
const OPEN_ROUTES: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz']);

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
} as const;

const INDEX = `Poolwright monitoring

/api/trpc   tRPC: monitoring.connectionPoolHealth, .connectionPoolStats, .connectionPoolMetrics, .pgbouncerAvailable
/metrics    Prometheus' text format
/healthz    the process is up
/readyz     the pools can serve
`;

/**
 * Makes the monitoring server and starts to listen: `/api/trpc`, `/metrics`, `/healthz`, `/readyz`, and an index at `/`.
 *
 * @throws PoolError `POOL_OPTION_INVALID`, also for an address that other machines can reach without a token; Error with the system's code
 *   when it cannot listen, for example `EADDRINUSE`
 *
 * @example
 * ```ts
 * import { pools } from 'poolwright';
 * import { startMonitoringServer } from 'poolwright/server';
 *
 * await using monitoring = await startMonitoringServer({ pools });
 * console.log(monitoring.url);
 * ```
 */
export async function startMonitoringServer(options: MonitoringServerOptions): Promise<MonitoringServer> {
  const resolved = resolveServerOptions(options, process.env);
  const app = build(options, resolved);
  const { host, port } = resolved;
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw cannotListen(error, resolved);
  }
  const listening = portOf(app);
  const close = async (): Promise<void> => {
    await app.close();
  };
  return {
    url: `http://${hostOfUrl(host)}:${listening}`,
    address: Object.freeze({ host, port: listening }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * Makes the monitoring server without listening: a Fastify 5 instance, to add routes to, to `inject` requests into, or to listen when it
 * suits. It checks tokens and hosts as `options` say.
 *
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function createMonitoringServer(options: MonitoringServerOptions): FastifyInstance {
  return build(options, resolveServerOptions(options, process.env));
}

function build(options: MonitoringServerOptions, resolved: ResolvedServerOptions): FastifyInstance {
  const monitoring = new Monitoring(options, process.env);
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: CHECK_TIMEOUTS_EVERY_MS },
    forceCloseConnections: true,
    // A URL that cannot be read comes before any hook.
    frameworkErrors: (error, _request, reply) => {
      void sendError(reply.headers(HEADERS), statusOf(error));
    },
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  const isTrusted = trustOf(resolved);
  guard(app, resolved, isTrusted);
  addRoutes(app, monitoring, isTrusted);
  addProcedures(app, monitoring, resolved);
  app.setNotFoundHandler((_request, reply) => sendError(reply, 404));
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    if (statusOf(error) === 500) resolved.onError(error);
    return sendError(reply, statusOf(error));
  });
  return app;
}

/** Whether a request has the token, where there is one. */
type Trust = (request: FastifyRequest) => boolean;

function trustOf({ token }: ResolvedServerOptions): Trust {
  if (token === undefined) return () => true;
  const isToken = bearerCheck(token);
  return ({ headers }) => isToken(headers.authorization);
}

/** Lets in who asks for this server and has the token. */
function guard(app: FastifyInstance, { hosts }: ResolvedServerOptions, isTrusted: Trust): void {
  const isOurHost = hosts === undefined ? undefined : hostCheck(hosts);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    if (isOurHost?.(request.headers.host) === false) return sendError(reply, 403, 'The name of this server is not in allowedHosts');
    if (OPEN_ROUTES.has(request.routeOptions.url) || isTrusted(request)) return undefined;
    reply.header('www-authenticate', 'Bearer realm="poolwright"');
    return sendError(reply, 401, 'A bearer token is needed');
  });
}

function addRoutes(app: FastifyInstance, monitoring: Monitoring, isTrusted: Trust): void {
  app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(INDEX));
  app.get('/healthz', () => ({ status: 'up' }));
  app.get('/readyz', async (request, reply) => {
    const readiness = await monitoring.readiness();
    return await reply.code(readiness.ready ? 200 : 503).send(isTrusted(request) ? readiness : withoutDetails(readiness));
  });
  app.get('/metrics', async (_request, reply) => {
    const { metrics, contentType } = await monitoring.metrics();
    return await reply.type(contentType).send(metrics);
  });
}

/** Not tRPC's plugin: its route takes paths of at most 100 characters unless Fastify is told otherwise, and a batch has longer ones. */
function addProcedures(app: FastifyInstance, monitoring: Monitoring, { onError }: ResolvedServerOptions): void {
  const router = servedRouter(monitoring);
  app.all<{ readonly Params: { readonly '*': string } }>('/api/trpc/*', async (request, reply) => {
    const path = request.params['*'];
    if (path.split(',').length > MOST_CALLS_IN_A_BATCH) {
      return await sendError(reply, 400, `At most ${MOST_CALLS_IN_A_BATCH} calls may be in one batch`);
    }
    await fastifyRequestHandler({
      router,
      req: request,
      res: reply,
      path,
      onError: ({ error }) => {
        if (error.code === 'INTERNAL_SERVER_ERROR') onError(error.cause ?? error);
      },
    });
    return reply;
  });
}

/** For those without a token: names of pools and words of errors tell of hosts and users. */
function withoutDetails({ ready, pools }: Readiness): object {
  return {
    ready,
    pools: pools.map(({ status, problems }) => ({ status, problems: problems.map(({ name, status }) => ({ name, status })) })),
  };
}

const ERROR_KEYS = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  500: 'INTERNAL_SERVER_ERROR',
} as const;

type ErrorStatus = keyof typeof ERROR_KEYS;

function statusOf({ statusCode = 500 }: Pick<FastifyError, 'statusCode'>): ErrorStatus {
  if (statusCode in ERROR_KEYS) return statusCode as ErrorStatus;
  return statusCode >= 400 && statusCode < 500 ? 400 : 500;
}

/** Every error has tRPC's form, so that its client understands those that never reach the router. */
function sendError(reply: FastifyReply, status: ErrorStatus, message: string = ERROR_KEYS[status]): FastifyReply {
  const code = ERROR_KEYS[status];
  return reply.code(status).send({ error: { message, code: TRPC_ERROR_CODES_BY_KEY[code], data: { code, httpStatus: status } } });
}

function cannotListen(cause: unknown, { host, port }: ResolvedServerOptions): Error {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException;
  const reason = code === 'EADDRINUSE' ? 'another program listens there; give another port, or 0 for a free one' : messageOf(cause);
  return Object.assign(new Error(`The monitoring server cannot listen on ${hostOfUrl(host)}:${port}: ${reason}.`, { cause }), { code });
}

/** Precondition: it listens. */
function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('bug: a server that listens has no port');
  return address.port;
}

/** Nobody can connect to the address that means all of them. */
function hostOfUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
