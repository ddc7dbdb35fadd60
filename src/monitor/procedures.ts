import type * as Trpc from '@trpc/server';
import type * as Zod from 'zod';
import { requirePeer } from '../optional-peer.js';
import { type Monitoring, UnknownPool } from './monitoring.js';

const SUBPATH = 'poolwright/trpc';
const { initTRPC, TRPCError } = requirePeer('@trpc/server', SUBPATH) as typeof Trpc;
const { z } = requirePeer('zod', SUBPATH) as typeof Zod;

// Stack traces are for logs: by default tRPC sends them to the client unless NODE_ENV is 'production'.
const t = initTRPC.create({
  isDev: false,
  errorFormatter: ({ shape, error }) => (error.code === 'INTERNAL_SERVER_ERROR' ? { ...shape, message: 'Internal error' } : shape),
});

// `.strict()`, not `strictObject()`: zod 3 has it too, and applications still do.
const nothing = inputOf(z.object({}).strict());
const whichPool = inputOf(z.object({ pool: z.string().optional() }).strict());
const whichHealth = inputOf(z.object({ pool: z.string().optional(), deep: z.boolean().optional() }).strict());

/** The router as it is served: the procedures under `monitoring`. */
export function servedRouter(monitoring: Monitoring) {
  return t.router({ monitoring: routerOver(monitoring, undefined) });
}

/** Decides by the context of a call whether it may be answered. */
export type Authorize = (context: object) => boolean | Promise<boolean>;

/** The procedures, for whoever mounts them. */
export function routerOver(monitoring: Monitoring, authorize: Authorize | undefined) {
  const query = t.procedure.use(async ({ ctx, next }) => {
    if (authorize !== undefined && !(await authorize(ctx))) throw new TRPCError({ code: 'FORBIDDEN', message: 'Not allowed' });
    return await next();
  });
  return t.router({
    connectionPoolHealth: query.input(whichHealth).query(({ input }) => known(() => monitoring.health(input?.pool, input?.deep))),
    connectionPoolStats: query.input(whichPool).query(({ input }) => known(() => monitoring.stats(input?.pool))),
    connectionPoolMetrics: query.input(nothing).query(() => monitoring.metrics()),
    pgbouncerAvailable: query.input(nothing).query(() => monitoring.pgbouncer()),
  });
}

async function known<T>(answer: () => T | Promise<T>): Promise<T> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof UnknownPool) throw new TRPCError({ code: 'NOT_FOUND', message: error.message });
    throw error;
  }
}

/** Checks an input that may be left out. tRPC makes `BAD_REQUEST` of the error; zod's own message would be a JSON text. */
function inputOf<S extends Zod.ZodType>(schema: S): (given: unknown) => Zod.output<S> | null | undefined {
  const optional = schema.nullish();
  return (given) => {
    const result = optional.safeParse(given);
    if (result.success) return result.data;
    throw new Error(
      result.error.issues.map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`)).join('; '),
    );
  };
}
