/** Errors of the server in tRPC's form. */

import type * as TrpcRpc from '@trpc/server/rpc';
import type { FastifyReply } from 'fastify';
import { requirePeer } from '../../packages/index.js';

const { TRPC_ERROR_CODES_BY_KEY } = requirePeer('@trpc/server/rpc', 'poolwright/server') as typeof TrpcRpc;

const ERROR_KEYS = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
  500: 'INTERNAL_SERVER_ERROR',
  502: 'BAD_GATEWAY',
} as const;

export type ErrorStatus = keyof typeof ERROR_KEYS;

export function statusOf({ statusCode = 500 }: { readonly statusCode?: number }): ErrorStatus {
  if (statusCode in ERROR_KEYS) return statusCode as ErrorStatus;
  return statusCode >= 400 && statusCode < 500 ? 400 : 500;
}

/** Errors that never reach the router have tRPC's form, too, so that its client understands them. */
export function sendError(reply: FastifyReply, status: ErrorStatus, message: string = ERROR_KEYS[status]): FastifyReply {
  const code = ERROR_KEYS[status];
  return reply.code(status).send({ error: { message, code: TRPC_ERROR_CODES_BY_KEY[code], data: { code, httpStatus: status } } });
}
