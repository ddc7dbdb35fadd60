/** A client of a running process's monitoring server. */

import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { codeOf, messageOf } from '../../engine/index.js';
import { UsageError } from './command.js';

/** The running process cannot be asked: it does not answer, or it refuses the token. */
export class Unreachable extends Error {}

const DEFAULT_ADDRESS = 'http://127.0.0.1:9464';

/** What differs between questions. */
interface Question {
  readonly method?: 'GET' | 'POST';
  /** JSON. */
  readonly body?: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The answer of a tRPC procedure over HTTP. */
interface Envelope {
  readonly result?: { readonly data?: unknown };
  readonly error?: { readonly message?: string; readonly data?: { readonly reason?: string } };
}

/** A running process, asked over HTTP at its monitoring address. */
export class MonitoringAddress {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #timeoutMs: number;

  /** @throws UsageError when the address is no http URL */
  constructor(given: string | undefined, environment: Readonly<NodeJS.ProcessEnv>, timeoutMs: number, token?: string) {
    this.url = checked(given ?? environment['POOLWRIGHT_ADDRESS'] ?? DEFAULT_ADDRESS);
    this.#token = token ?? environment['POOLWRIGHT_TOKEN'];
    this.#timeoutMs = timeoutMs;
  }

  /** @throws Unreachable for no answer, and for every status but 200 and `others` */
  async get(path: string, others: readonly number[] = []): Promise<Answer> {
    return await this.#ask(path, {}, others);
  }

  /** Calls a query of the router. */
  async query(procedure: string, input?: object): Promise<unknown> {
    const parameters = input === undefined ? '' : `?input=${encodeURIComponent(JSON.stringify(input))}`;
    const { body } = await this.#ask(`/api/trpc/${procedure}${parameters}`, {}, []);
    return (JSON.parse(body) as Envelope).result?.data;
  }

  /** Calls a mutation of the router. */
  async mutate(procedure: string, input: object): Promise<unknown> {
    const { body } = await this.#ask(`/api/trpc/${procedure}`, { method: 'POST', body: JSON.stringify(input) }, []);
    return (JSON.parse(body) as Envelope).result?.data;
  }

  async #ask(path: string, request: Question, others: readonly number[]): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await exchange(`${this.url}${path}`, request, this.#token, AbortSignal.timeout(this.#timeoutMs));
    } catch (error) {
      throw new Unreachable(`${this.url} does not answer: ${reasonOf(error, this.#timeoutMs)}.`);
    }
    const { status, body } = answer;
    if (status === 200 || others.includes(status)) return answer;
    if (isUnderstood(path, status, body)) throw new Error(messageIn(body));
    throw new Unreachable(refusal(this.url, path, status, body, this.#token !== undefined));
  }
}

function checked(address: string): string {
  try {
    const url = new URL(address);
    if ((url.protocol === 'http:' || url.protocol === 'https:') && url.username === '' && url.password === '')
      return address.replace(/\/+$/, '');
  } catch {
    // The error below names it.
  }
  throw new UsageError('--address must be an http or https URL without credentials, for example http://127.0.0.1:9464.');
}

/** Not `fetch`: after its caller has given up, it tries to connect for ten more seconds and keeps the process alive. */
async function exchange(url: string, { method = 'GET', body }: Question, token: string | undefined, signal: AbortSignal): Promise<Answer> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  const call = request(url, { method, headers, signal, agent: false });
  // `once` reports errors; after a timeout it listens no more.
  call.on('error', () => undefined);
  call.end(body);
  const [response] = (await once(call, 'response', { signal })) as [IncomingMessage];
  return { status: response.statusCode ?? 0, body: await text(response) };
}

function reasonOf(error: unknown, timeoutMs: number): string {
  const timedOut = error instanceof Error && error.name === 'AbortError';
  if (timedOut) return `nothing arrived within ${timeoutMs} ms`;
  return codeOf(error) === 'ECONNREFUSED' ? 'nothing listens there (ECONNREFUSED)' : `${messageOf(error)} (${codeOf(error)})`;
}

/** The process has understood, and says why it will not: there is no such pool, breaker or cache, or the input is wrong. */
function isUnderstood(path: string, status: number, body: string): boolean {
  return path.startsWith('/api/trpc/') && (status === 400 || (status === 404 && errorIn(body)?.data?.reason !== undefined));
}

function refusal(url: string, path: string, status: number, body: string, withToken: boolean): string {
  if (status === 401) return `${url} requires a token: ${withToken ? 'the given token is not its token' : 'set POOLWRIGHT_TOKEN'}.`;
  if (status === 404) return `${url} has no ${path.split('?')[0]}: is it the monitoring address of a Poolwright process of this version?`;
  return `${url} answered ${status}: ${messageIn(body)}`;
}

function messageIn(body: string): string {
  return errorIn(body)?.message ?? body.slice(0, 200);
}

function errorIn(body: string): Envelope['error'] {
  try {
    return (JSON.parse(body) as Envelope).error;
  } catch {
    return undefined;
  }
}
