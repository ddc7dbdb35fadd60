/** The route that passes calls of the dashboard on to another process of the service. */

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { codeOf, messageOf } from '../../engine/index.js';
import { OPERATOR_HEADER } from './access.js';
import { PeerRefuses, type PeerRequest, type Peers } from '../peers/index.js';
import { sendError } from './replies.js';

/** `monitoring.live`, or several in a batch. No other path can be built from it: no slash, one dot, no percent sign. */
const PROCEDURES = /^monitoring\.[A-Za-z]{1,64}(?:,monitoring\.[A-Za-z]{1,64}){0,49}$/;

/** Content types that are passed on to the page: data, never a document. */
const TYPES: Readonly<Record<string, string>> = {
  'application/json': 'application/json; charset=utf-8',
  'text/event-stream': 'text/event-stream',
};

interface PeerCall {
  readonly Params: { readonly peer: string; readonly '*': string };
}

/**
 * `/api/peers/0/trpc/…`: what `/api/trpc/…` is to this process, to one of its peers. The page asks its own server only, so that its policy,
 * the checks of names and origins and the tokens hold; and only what the options name can be reached.
 */
export function addPeerRoute(app: FastifyInstance, peers: Peers, mayAct: (request: FastifyRequest) => boolean): void {
  app.route<PeerCall>({
    method: ['GET', 'POST'],
    url: '/api/peers/:peer/trpc/*',
    // A HEAD request would open the live feed, which never ends.
    exposeHeadRoute: false,
    async handler(request, reply) {
      const { peer, '*': procedures } = request.params;
      if (!/^\d{1,3}$/.test(peer) || Number(peer) >= peers.size) return await sendError(reply, 404, 'There is no such process');
      if (!PROCEDURES.test(procedures)) return await sendError(reply, 404, 'There is no such procedure');
      let response: IncomingMessage;
      try {
        response = await peers.ask(Number(peer), passedOn(request, procedures, mayAct(request)));
      } catch (error) {
        if (error instanceof PeerRefuses)
          return await sendError(reply, 401, 'That process requires a different token than this server sends');
        return await sendError(reply, 502, `That process does not answer: ${messageOf(error)} (${codeOf(error)})`);
      }
      const { statusCode = 502, headers } = response;
      const type = TYPES[headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? ''];
      if (type === undefined || statusCode < 200 || (statusCode >= 300 && statusCode < 400)) {
        response.destroy();
        return await sendError(reply, 502, `Something else answers in place of that process (status ${statusCode})`);
      }
      // No header of the peer is passed on: no cookie, no policy, no redirect.
      // A client that disconnects ends the peer's feed, too: Fastify destroys the stream that it was sending.
      return await reply.code(statusCode).header('x-accel-buffering', 'no').type(type).send(response);
    },
  });
}

function passedOn(request: FastifyRequest, procedures: string, mayAct: boolean): PeerRequest {
  const query = request.url.indexOf('?');
  const lastEventId = request.headers['last-event-id'];
  return {
    method: request.method === 'POST' ? 'POST' : 'GET',
    path: query === -1 ? procedures : procedures + request.url.slice(query),
    role: mayAct ? 'operator' : 'reader',
    headers: {
      // For its audit log.
      ...(mayAct ? { [OPERATOR_HEADER]: request.ip } : {}),
      ...(typeof lastEventId === 'string' && /^\d{1,15}$/.test(lastEventId) ? { 'last-event-id': lastEventId } : {}),
    },
    ...(request.method === 'POST' && typeof request.body === 'string' ? { body: request.body } : {}),
  };
}
