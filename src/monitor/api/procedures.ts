/** The tRPC procedures: their inputs, who may call them, and their errors. */

import type * as Trpc from '@trpc/server';
import type * as Zod from 'zod';
import { PoolError } from '../../engine/index.js';
import { requirePeer } from '../../packages/index.js';
import { type MissingThing, NotThere, TooManyListeners } from '../live/index.js';
import type { Monitoring } from './monitoring.js';
import type { Peers } from '../peers/index.js';

const SUBPATH = 'poolwright/trpc';
const { initTRPC, tracked, TRPCError } = requirePeer('@trpc/server', SUBPATH) as typeof Trpc;
const { z } = requirePeer('zod', SUBPATH) as typeof Zod;

// Stack traces are for logs: by default tRPC sends them to the client unless NODE_ENV is 'production'.
const t = initTRPC.create({
  isDev: false,
  // A message comes each second: a client without one for five seconds has lost the server.
  sse: { ping: { enabled: true, intervalMs: 2_000 }, client: { reconnectAfterInactivityMs: 5_000 } },
  errorFormatter: ({ shape, error }): Trpc.TRPCDefaultErrorShape => ({
    ...shape,
    message: error.code === 'INTERNAL_SERVER_ERROR' ? 'Internal error' : shape.message,
    data: { ...shape.data, ...missingIn(error.cause) },
  }),
});

// `.strict()`, not `strictObject()`: zod 3 has it too, and applications still do.
const nothing = inputOf(z.object({}).strict());
const whichPool = inputOf(z.object({ pool: z.string().optional() }).strict());
const whichHealth = inputOf(z.object({ pool: z.string().optional(), deep: z.boolean().optional() }).strict());
const time = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional();
const whichHistory = inputOf(
  z.object({ pool: z.string().optional(), from: time, to: time, most: z.number().int().min(1).max(1_000).optional() }).strict(),
);

const whichQueries = inputOf(
  z
    .object({
      pool: z.string().optional(),
      limit: z.number().int().min(1).max(200).optional(),
      orderBy: z.enum(['total', 'p99']).optional(),
    })
    .strict(),
);
// tRPC's client adds `lastEventId` when it comes back.
const listener = inputOf(z.object({ lastEventId: z.string().nullish() }).strict());
const namedPool = neededInputOf(z.object({ pool: z.string() }).strict());
const drainInput = neededInputOf(z.object({ pool: z.string(), timeoutMs: z.number().int().min(0).max(3_600_000).optional() }).strict());
const size = z.number().int().min(1).max(100_000);
const sizeRange = z
  .object({ min: size, max: size })
  .strict()
  .refine(({ min, max }) => min <= max, 'min is above max');
const resizeInput = neededInputOf(z.object({ pool: z.string(), connectionLimit: z.union([size, sizeRange]) }).strict());
const cachedNames = z.array(z.string().min(1).max(1_000)).min(1).max(100).optional();
const invalidateInput = neededInputOf(
  z
    .object({ pool: z.string(), tags: cachedNames, tables: cachedNames, all: z.literal(true).optional() })
    .strict()
    .refine(({ tags, tables, all }) => tags !== undefined || tables !== undefined || all === true, 'give tags, tables, or all: true'),
);
const breakerInput = neededInputOf(z.object({ pool: z.string().nullable(), breaker: z.string() }).strict());
const isolateInput = neededInputOf(
  z.object({ pool: z.string().nullable(), breaker: z.string(), reason: z.string().max(200).optional() }).strict(),
);

/** Decides by the context of a call whether it is answered. */
export type Authorize = (context: object) => boolean | Promise<boolean>;

/** Who may read and who may act. */
export interface Permissions {
  /** Whether it may read. `undefined`: every caller may. */
  readonly authorize: Authorize | undefined;
  /** Whether it may act on pools. `undefined`: no caller may. */
  readonly authorizeActions: Authorize | undefined;
  /** Who acts, for the audit log. */
  readonly who: (context: object) => string;
}

/** What the server knows about the sender of a call. */
export interface ServedContext {
  readonly mayAct: boolean;
  readonly who: string;
}

/** The router as it is served: the procedures under `monitoring`. */
export function servedRouter(monitoring: Monitoring, peers?: Peers) {
  const permissions: Permissions = {
    authorize: undefined,
    authorizeActions: (context) => (context as ServedContext).mayAct,
    who: (context) => (context as ServedContext).who,
  };
  return t.router({ monitoring: routerOver(monitoring, permissions, peers) });
}

/** The procedures, to be mounted in a router. */
export function routerOver(monitoring: Monitoring, { authorize, authorizeActions, who }: Permissions, peers?: Peers) {
  const query = t.procedure.use(async ({ ctx, next }) => {
    if (authorize !== undefined && !(await authorize(ctx))) throw new TRPCError({ code: 'FORBIDDEN', message: 'Not allowed' });
    return await next();
  });
  const action = query.use(async ({ ctx, next }) => {
    if ((await authorizeActions?.(ctx)) === true) return await next();
    throw new TRPCError({ code: 'FORBIDDEN', message: 'Actions need a token that allows them' });
  });
  const simple = (name: 'evict' | 'suspend' | 'resume') =>
    action.input(namedPool).mutation(({ ctx, input }) => known(() => monitoring.act(input.pool, { name }, who(ctx))));
  const names: string[] = [];
  const router = t.router({
    connectionPoolHealth: query.input(whichHealth).query(({ input }) => known(() => monitoring.health(input?.pool, input?.deep))),
    incidents: query.input(whichPool).query(({ input }) => known(() => monitoring.incidents(input?.pool))),
    history: query.input(whichHistory).query(({ input }) => known(() => monitoring.history(input ?? {}))),
    connectionPoolStats: query.input(whichPool).query(({ input }) => known(() => monitoring.stats(input?.pool))),
    connectionPoolMetrics: query.input(nothing).query(() => monitoring.metrics()),
    circuitBreakers: query.input(nothing).query(() => monitoring.breakers()),
    pgbouncerAvailable: query.input(nothing).query(() => monitoring.pgbouncer()),
    cacheStats: query.input(whichPool).query(({ input }) => known(() => monitoring.cacheStats(input?.pool))),
    topology: query.input(whichPool).query(({ input }) => known(() => monitoring.topology(input?.pool))),
    fleet: query.input(whichPool).query(({ input }) => known(() => monitoring.fleet(input?.pool))),
    slowQueries: query
      .input(whichQueries)
      .query(({ input }) => known(() => monitoring.slowQueries(input?.pool, input?.limit, input?.orderBy))),
    live: query.input(listener).subscription(async function* live({ input, signal }) {
      try {
        for await (const snapshot of monitoring.live(signal, numberOf(input?.lastEventId))) yield tracked(String(snapshot.id), snapshot);
      } catch (error) {
        if (error instanceof TooManyListeners) throw new TRPCError({ code: 'TOO_MANY_REQUESTS', message: error.message });
        throw error;
      }
    }),
    process: query.input(nothing).query(() => monitoring.process()),
    processes: query
      .input(nothing)
      .query(async () => ({ own: await monitoring.process(), peers: (await peers?.list(monitoring.id)) ?? [] })),
    actionLog: query.input(nothing).query(() => ({ actions: monitoring.actions() })),
    capabilities: query.input(nothing).query(async ({ ctx }) => ({ mayAct: (await authorizeActions?.(ctx)) === true, procedures: names })),
    evict: simple('evict'),
    suspend: simple('suspend'),
    resume: simple('resume'),
    drain: action
      .input(drainInput)
      .mutation(({ ctx, input }) => known(() => monitoring.act(input.pool, { name: 'drain', ...timeoutOf(input) }, who(ctx)))),
    resize: action
      .input(resizeInput)
      .mutation(({ ctx, input }) =>
        known(() => monitoring.act(input.pool, { name: 'resize', connectionLimit: input.connectionLimit }, who(ctx))),
      ),
    invalidate: action.input(invalidateInput).mutation(({ ctx, input: { pool, tags, tables, all } }) =>
      known(() =>
        monitoring.act(
          pool,
          {
            name: 'invalidate',
            ...(tags === undefined ? {} : { tags }),
            ...(tables === undefined ? {} : { tables }),
            ...(all === undefined ? {} : { all }),
          },
          who(ctx),
        ),
      ),
    ),
    isolateBreaker: action
      .input(isolateInput)
      .mutation(({ ctx, input: { pool, breaker, reason } }) =>
        known(() =>
          monitoring.actOnBreaker(pool, { name: 'isolate-breaker', breaker, ...(reason === undefined ? {} : { reason }) }, who(ctx)),
        ),
      ),
    closeBreaker: action
      .input(breakerInput)
      .mutation(({ ctx, input: { pool, breaker } }) =>
        known(() => monitoring.actOnBreaker(pool, { name: 'close-breaker', breaker }, who(ctx))),
      ),
  });
  names.push(...Object.keys(router._def.procedures));
  return router;
}

function timeoutOf({ timeoutMs }: { readonly timeoutMs?: number | undefined }): { readonly timeoutMs?: number } {
  return timeoutMs === undefined ? {} : { timeoutMs };
}

function numberOf(lastEventId: string | null | undefined): number {
  return lastEventId != null && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : 0;
}

/** A pool that is not there and a procedure that is not there are both `NOT_FOUND`: this is the difference. */
function missingIn(cause: unknown): { readonly reason?: MissingThing } {
  return cause instanceof NotThere ? { reason: cause.reason } : {};
}

async function known<T>(answer: () => T | Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof NotThere) throw new TRPCError({ code: 'NOT_FOUND', message: error.message, cause: error });
    // The pool's message about an option is meant for the caller that gave it.
    if (PoolError.is(error)) throw new TRPCError({ code: 'BAD_REQUEST', message: error.message });
    throw error;
  }
}

/** Checks an input that may be left out. tRPC makes `BAD_REQUEST` of the error; zod's own message would be a JSON text. */
function inputOf<S extends Zod.ZodType>(schema: S): (given: unknown) => Zod.output<S> | null | undefined {
  return neededInputOf(schema.nullish());
}

/** The check has its schema, from which the description for OpenAPI is made. */
function neededInputOf<S extends Zod.ZodType>(schema: S): ((given: unknown) => Zod.output<S>) & { readonly schema: S } {
  const check = (given: unknown): Zod.output<S> => {
    const result = schema.safeParse(given);
    if (result.success) return result.data;
    throw new Error(
      result.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; '),
    );
  };
  return Object.assign(check, { schema });
}
