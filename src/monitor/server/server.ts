/** The monitoring server: the dashboard, tRPC, metrics and probes over HTTP. */

import type * as TrpcFastify from '@trpc/server/adapters/fastify';
import type * as FastifyModule from 'fastify';
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { requirePeer } from '../../packages/index.js';
import { actorOf, bearerCheck, hostCheck, isSameOrigin } from './access.js';
import { codingFor, type DashboardFile, dashboardFiles } from './dashboard-files.js';
import { FailedLogins } from './failed-logins.js';
import { type LivenessReport, Monitoring, type ReadinessReport, type ServedContext, servedRouter } from '../api/index.js';
import { type HistoryStore, openHistoryStore } from '../history/index.js';
import { listen, type MonitoringServer } from './listening.js';
import { addPeerRoute } from './peer-route.js';
import { Peers } from '../peers/index.js';
import { sendError, statusOf } from './replies.js';
import { type MonitoringServerOptions, type ResolvedServerOptions, resolveServerOptions } from './server-options.js';

export type { MonitoringServerRouter, PgBouncerOptions, PoolCollection, PoolSource } from '../api/index.js';
export type { MonitoringServer } from './listening.js';
export type { MonitoringServerOptions } from './server-options.js';

const SUBPATH = 'poolwright/server';
const { fastify } = requirePeer('fastify', SUBPATH) as typeof FastifyModule;
const { fastifyRequestHandler } = requirePeer('@trpc/server/adapters/fastify', SUBPATH) as typeof TrpcFastify;

/** Queries have no body, and the bodies of actions are short. */
const BODY_LIMIT_BYTES = 16_384;
const MOST_CALLS_IN_A_BATCH = 50;
const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
const KEEP_ALIVE_MS = 5_000;
const CHECK_TIMEOUTS_EVERY_MS = 2_000;
/** File descriptors are the application's: clients of the monitoring server must not use them up. */
const MOST_CONNECTIONS = 256;

/** Load balancers and orchestrators send no token. */
const PROBE_ROUTES: readonly string[] = ['/healthz', '/readyz'];

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Nothing but what this server sends, and nothing in the page itself: no inline script, no inline style, no other site. */
const DASHBOARD_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** What `/` says when the dashboard was not built. */
const INDEX = `Poolwright monitoring

/api/trpc   tRPC: monitoring.connectionPoolHealth, .connectionPoolStats, .connectionPoolMetrics, .pgbouncerAvailable, .cacheStats, .slowQueries, .live
/openapi.json  the same over plain HTTP, as OpenAPI 3.1 describes it
/metrics    Prometheus' text format
/healthz    the process is up
/readyz     the pools can serve
`;

/**
 * Makes the monitoring server and starts to listen: the dashboard at `/`, `/api/trpc`, `/openapi.json`, `/metrics`, `/healthz`, `/readyz`.
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
  return await listen(build(options, resolved), resolved);
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
  const access = accessBy(resolved);
  const files = dashboardFiles();
  guard(app, resolved, access, new Set([...PROBE_ROUTES, '/', ...files.map(({ path }) => path)]));
  addDashboard(app, files);
  addRoutes(app, monitoring, access);
  const peers = new Peers(resolved.peers, resolved);
  void app.register(async (api) => {
    takeBodiesAsText(api);
    addProcedures(api, monitoring, peers, access, resolved);
    addPeerRoute(api, peers, (request) => access(request).mayAct);
  });
  monitoring.keepHistory(storeAt(resolved));
  app.addHook('onClose', () => {
    monitoring.stop();
    peers.close();
  });
  app.setNotFoundHandler((_request, reply) => sendError(reply, 404));
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    if (statusOf(error) === 500) resolved.onError(error);
    return sendError(reply, statusOf(error));
  });
  return app;
}

function storeAt({ historyPath }: ResolvedServerOptions): HistoryStore | undefined {
  if (historyPath === undefined) return undefined;
  return openHistoryStore(historyPath, (message) => process.emitWarning(message, { code: 'POOLWRIGHT_HISTORY' }));
}

/** What a request may do, by its token. */
interface Access {
  readonly mayRead: boolean;
  readonly mayAct: boolean;
  /** It has a token, which is none of ours. */
  readonly wrong: boolean;
}

type AccessOf = (request: FastifyRequest) => Access;

function accessBy({ token, operateToken }: ResolvedServerOptions): AccessOf {
  const isReader = token === undefined ? undefined : bearerCheck(token);
  const isOperator = operateToken === undefined ? undefined : bearerCheck(operateToken);
  return ({ headers: { authorization } }) => {
    // Both are compared, so that the time taken does not depend on which one matches.
    const reader = isReader?.(authorization) === true;
    const mayAct = isOperator?.(authorization) === true;
    const anyToken = isReader !== undefined || isOperator !== undefined;
    return {
      mayRead: isReader === undefined || reader || mayAct,
      mayAct,
      wrong: anyToken && authorization !== undefined && !reader && !mayAct,
    };
  };
}

/** Refuses requests for another host, from another site's page, or without the token. `open` routes hold nothing to protect. */
function guard(app: FastifyInstance, { hosts }: ResolvedServerOptions, accessOf: AccessOf, open: ReadonlySet<string | undefined>): void {
  const isOurHost = hosts === undefined ? undefined : hostCheck(hosts);
  const failedLogins = new FailedLogins();
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS);
    const { host, origin, 'sec-fetch-site': site } = request.headers;
    if (isOurHost?.(host) === false) return sendError(reply, 403, 'The name of this server is not in allowedHosts');
    if (open.has(request.routeOptions.url)) return undefined;
    if (!isSameOrigin(origin, host, site)) return sendError(reply, 403, 'Pages of other sites may not ask');
    const blockedForMs = failedLogins.blockedForMs(request.ip);
    if (blockedForMs > 0 && request.headers.authorization !== undefined) {
      reply.header('retry-after', Math.ceil(blockedForMs / 1000));
      return sendError(reply, 429, 'Too many wrong tokens came from this address');
    }
    const { mayRead, wrong } = accessOf(request);
    if (wrong) failedLogins.note(request.ip);
    if (mayRead && !wrong) return undefined;
    reply.header('www-authenticate', 'Bearer realm="poolwright"');
    return sendError(reply, 401, 'A bearer token is needed');
  });
}

/** The page and its files. They are the same for every reader, so they need no token. */
function addDashboard(app: FastifyInstance, files: readonly DashboardFile[]): void {
  for (const { path, type, body } of files) {
    app.get(path, async (request, reply) => {
      const coding = codingFor(request.headers['accept-encoding']);
      if (coding !== 'identity') reply.header('content-encoding', coding);
      reply.header('vary', 'accept-encoding').header('content-security-policy', DASHBOARD_POLICY);
      // Their names change with their content; the page's does not.
      if (path !== '/') reply.header('cache-control', 'public, max-age=31536000, immutable');
      return await reply.type(type).send(await body(coding));
    });
  }
  if (files.length === 0) app.get('/', (_request, reply) => reply.type('text/plain; charset=utf-8').send(INDEX));
}

function addRoutes(app: FastifyInstance, monitoring: Monitoring, accessOf: AccessOf): void {
  app.get('/healthz', async (request, reply) => {
    // The function that names the pools is the application's: when it throws, the process is still up.
    const pools = accessOf(request).mayRead ? { pools: await monitoring.verdicts().catch(() => []) } : {};
    const report: LivenessReport = { status: 'up', ...pools };
    return await reply.send(report);
  });
  app.get('/readyz', async (request, reply) => {
    const readiness = await monitoring.readiness();
    return await reply.code(readiness.ready ? 200 : 503).send(accessOf(request).mayRead ? readiness : withoutDetails(readiness));
  });
  app.get('/openapi.json', async () => {
    const { default: description } = await import('./openapi.json', { with: { type: 'json' } });
    return description;
  });
  app.get('/metrics', async (_request, reply) => {
    const { metrics, contentType } = await monitoring.metrics();
    return await reply.type(contentType).send(metrics);
  });
}

/**
 * tRPC reads bodies itself. From a body that Fastify has parsed it would write the text again, which fails for deeply nested JSON. Routes that
 * the owner adds keep Fastify's own parser.
 */
function takeBodiesAsText(api: FastifyInstance): void {
  api.removeContentTypeParser('application/json');
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

/** Not tRPC's plugin: by Fastify's default its route takes paths of at most 100 characters, and a batch has longer ones. */
function addProcedures(
  app: FastifyInstance,
  monitoring: Monitoring,
  peers: Peers,
  accessOf: AccessOf,
  { onError }: ResolvedServerOptions,
): void {
  const router = servedRouter(monitoring, peers);
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
      createContext: (): ServedContext => ({ mayAct: accessOf(request).mayAct, who: actorOf(request) }),
      onError: ({ error }) => {
        if (error.code === 'INTERNAL_SERVER_ERROR') onError(error.cause ?? error);
      },
    });
    return reply;
  });
}

/** For clients without a token: names of pools and texts of errors show hosts and users. */
function withoutDetails({ ready, pools }: ReadinessReport): object {
  return {
    ready,
    pools: pools.map(({ status, problems }) => ({
      status,
      problems: problems.map((problem) => ({ name: problem.name, status: problem.status })),
    })),
  };
}
