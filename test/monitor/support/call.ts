import type { TRPCError } from '@trpc/server';
import { createMonitoringRouter, type MonitoringRouterOptions } from '../../../src/monitor/api/router.js';

/** The procedures, called without HTTP. PgBouncer is left out unless it is given. */
export function procedures(options: MonitoringRouterOptions, context: object = {}) {
  return createMonitoringRouter({ pgbouncer: false, ...options }).createCaller(context);
}

/** The code and the message of the error that a call ends with. */
export async function errorOf(call: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  const error: unknown = await call.then(
    () => new Error('the call succeeded'),
    (reason: unknown) => reason,
  );
  // The router has a copy of tRPC of its own, as it may have in an application.
  const { name, code, message } = error as TRPCError;
  return { code: name === 'TRPCError' ? code : `no TRPCError: ${name}`, message };
}
