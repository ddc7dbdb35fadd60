/** The other processes of a service: their reports, and calls that are passed on to them. */

import { once } from 'node:events';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { performance } from '../../engine/waiting/index.js';
import type * as Zod from 'zod';
import { codeOf, messageOf } from '../../engine/index.js';
import { requirePeer } from '../../packages/index.js';
import { SharedCall } from './shared-call.js';

const { z } = requirePeer('zod', 'poolwright/trpc') as typeof Zod;

/** A process and the state of its pools, in short. */
export interface ProcessReport {
  /** Another one each time that a monitoring is made. */
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  readonly node: string;
  readonly upForMs: number;
  readonly pools: readonly ProcessPool[];
}

/** The state of a pool, in short. */
export interface ProcessPool {
  readonly name: string;
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  /** The verdict in one or two sentences; absent in the answer of an older version. */
  readonly headline?: string | undefined;
  readonly used: number;
  readonly limit: number;
  readonly waiting: number;
}

/** The part of another process's answer that is used. */
const processReport = z.object({
  id: z.string().max(64),
  pid: z.number(),
  host: z.string().max(255),
  node: z.string().max(64),
  upForMs: z.number(),
  pools: z
    .array(
      z.object({
        name: z.string(),
        status: z.enum(['healthy', 'degraded', 'unhealthy']),
        headline: z.string().max(2_000).optional(),
        used: z.number(),
        limit: z.number(),
        waiting: z.number(),
      }),
    )
    .max(1_000),
});

const answer = z.object({ result: z.object({ data: processReport }) });

/**
 * `stale`: it answered once, and does not now. `unauthorised`: its tokens are others than this server's. `unknown`: something else answers
 * there, or another version.
 */
export type PeerState = 'reachable' | 'stale' | 'unreachable' | 'unauthorised' | 'unknown';

/** Another process of the same service, as this one sees it. */
export interface PeerReport {
  /** Its place in the option `peers`. */
  readonly peer: number;
  readonly address: string;
  readonly state: PeerState;
  /** Why it is not reachable; empty when it is. */
  readonly message: string;
  /** How long ago it answered last; null when it never did. */
  readonly seenAgoMs: number | null;
  /** What it said then. */
  readonly process: ProcessReport | null;
}

/** Which of this server's own tokens is sent to a peer. A client's token is never passed on. */
export type PeerRole = 'reader' | 'operator';

export interface PeerTokens {
  readonly token: string | undefined;
  readonly operateToken: string | undefined;
}

export interface PeerRequest {
  readonly method: 'GET' | 'POST';
  /** Below the peer's `/api/trpc/`, with the query. */
  readonly path: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly role: PeerRole;
}

/** The peer has refused this server's token lately. It is not asked again for a while: it blocks addresses that send wrong tokens. */
export class PeerRefuses extends Error {}

/** An answer takes less; a live feed sends something every two seconds. */
const SILENCE_MS = 10_000;
const PROBE_TIMEOUT_MS = 2_000;
const KEEP_MS = 1_000;
const REFUSED_FOR_MS = 60_000;
const MOST_BYTES_OF_REPORT = 256 * 1024;

/** One other process, at the address that the options name. */
class Peer {
  readonly #probe = new SharedCall(() => this.#probeProcess(), KEEP_MS);
  readonly #agent: HttpAgent;
  readonly #request: typeof requestHttp;
  readonly #refusedUntil: Record<PeerRole, number> = { reader: 0, operator: 0 };
  #last: { readonly at: number; readonly process: ProcessReport } | undefined = undefined;

  constructor(
    readonly number: number,
    readonly url: URL,
    readonly tokens: PeerTokens,
  ) {
    const isTls = url.protocol === 'https:';
    this.#agent = isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
    this.#request = isTls ? requestHttps : requestHttp;
  }

  report(): Promise<PeerReport> {
    return this.#probe.get();
  }

  /**
   * Passes a request on. A redirect is an answer like any other: it is not followed.
   *
   * @throws PeerRefuses; Error with the network's code
   */
  async ask({ method, path, body, headers, role }: PeerRequest, silenceMs = SILENCE_MS): Promise<IncomingMessage> {
    if (performance.now() < this.#refusedUntil[role]) throw new PeerRefuses('the process refuses the token of this server');
    const token = role === 'operator' ? this.tokens.operateToken : this.tokens.token;
    const call = this.#request(this.url, {
      method,
      path: `/api/trpc/${path}`,
      agent: this.#agent,
      timeout: silenceMs,
      headers: {
        ...headers,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    });
    const overdue = Object.assign(new Error(`nothing arrived within ${silenceMs} ms`), { code: 'ETIMEDOUT' });
    call.on('timeout', () => call.destroy(overdue));
    // `once` reports it; after the answer has begun, the answer's stream does.
    call.on('error', () => undefined);
    call.end(body);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    if (response.statusCode === 401) this.#refusedUntil[role] = performance.now() + REFUSED_FOR_MS;
    return response;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #probeProcess(): Promise<PeerReport> {
    try {
      const response = await this.ask({ method: 'GET', path: 'monitoring.process', role: 'reader' }, PROBE_TIMEOUT_MS);
      const text = await boundedText(response);
      if (response.statusCode === 401) return this.#report('unauthorised', 'its token differs from the token of this server');
      if (response.statusCode === 429)
        return this.#report('unauthorised', 'it has blocked this server for a minute: too many wrong tokens');
      const parsed = response.statusCode === 200 ? answer.safeParse(jsonOf(text)) : undefined;
      if (parsed?.success !== true)
        return this.#report('unknown', `no Poolwright process of this version answers there (status ${response.statusCode})`);
      this.#last = { at: performance.now(), process: parsed.data.result.data };
      return this.#report('reachable', '');
    } catch (error) {
      if (error instanceof PeerRefuses) return this.#report('unauthorised', 'its token differs from the token of this server');
      return this.#report(this.#last === undefined ? 'unreachable' : 'stale', `it does not answer: ${messageOf(error)} (${codeOf(error)})`);
    }
  }

  #report(state: PeerState, message: string): PeerReport {
    const last = this.#last;
    return Object.freeze({
      peer: this.number,
      address: this.url.origin,
      state,
      message,
      seenAgoMs: last === undefined ? null : Math.round(performance.now() - last.at),
      process: last?.process ?? null,
    });
  }
}

/** The other processes of the service. Only those that the options name can be asked, each by its place in the list. */
export class Peers {
  readonly #peers: readonly Peer[];

  constructor(addresses: readonly URL[], tokens: PeerTokens) {
    this.#peers = addresses.map((url, number) => new Peer(number, url, tokens));
  }

  /**
   * The state of each. Callers that ask at the same time share the answer.
   *
   * @param own is left out, so that all processes may be given the same list
   */
  async list(own: string): Promise<readonly PeerReport[]> {
    const reports = await Promise.all(this.#peers.map((peer) => peer.report()));
    return reports.filter(({ process }) => process?.id !== own);
  }

  get size(): number {
    return this.#peers.length;
  }

  /**
   * @throws PeerRefuses; Error with the network's code
   */
  ask(number: number, request: PeerRequest): Promise<IncomingMessage> {
    const peer = this.#peers[number];
    if (peer === undefined) throw new RangeError('bug: there is no such peer');
    return peer.ask(request);
  }

  close(): void {
    for (const peer of this.#peers) peer.close();
  }
}

async function boundedText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES_OF_REPORT) throw new Error('its answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
