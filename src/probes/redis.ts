/** The probe of a Redis, over its own protocol: whether it answers, and its version. */
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { anySignal, ignore, performance } from '../engine/waiting/index.js';

/**
 * What a probe of Redis found: `ok` it answers PING · `refused` nothing listens · `unreachable` no way to it, or no TLS with it ·
 * `timeout` no answer · `auth` it wants another password · `not-redis` something else answered.
 */
export type RedisReason = 'ok' | 'refused' | 'unreachable' | 'timeout' | 'auth' | 'not-redis';

export interface RedisReport {
  /** Whether it answers: `reason` is `ok`. */
  readonly available: boolean;
  readonly reason: RedisReason;
  /** What was found, in words. It never holds the password. */
  readonly message: string;
  /** For example '7.0.15'. */
  readonly version: string | null;
  /** How long the probe took, in milliseconds. */
  readonly latencyMs: number;
}

const DEFAULT_PORT = 6379;

/** NOAUTH, WRONGPASS, NOPERM, and the older words for them. */
const LOGIN_REFUSED = /^(NOAUTH|WRONGPASS|NOPERM|ERR .*(AUTH|password))/i;

/**
 * Sends PING to a Redis, after a login where the URL has one, and asks for its version. It speaks the protocol itself, so it needs no client
 * package. It rejects for no failure of Redis: the report names it.
 *
 * @param url `redis://user:password@host:6379`, or `rediss://` for TLS
 * @param timeoutMs for the whole probe
 * @throws TypeError when it is not such a URL; the text never holds it
 */
export async function probeRedis(url: string, timeoutMs: number): Promise<RedisReport> {
  const target = parse(url);
  const address = `${target.hostname}:${target.port === '' ? DEFAULT_PORT : target.port}`;
  const startedAt = performance.now();
  const report = (reason: RedisReason, message: string, version: string | null = null): RedisReport =>
    Object.freeze({
      available: reason === 'ok',
      reason,
      message,
      version,
      latencyMs: Math.round((performance.now() - startedAt) * 1000) / 1000,
    });
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = connectTo(target);
  // Each wait below rejects with the failure of the socket.
  socket.on('error', ignore);
  try {
    await once(socket, target.protocol === 'rediss:' ? 'secureConnect' : 'connect', { signal });
    for (const command of loginOf(target)) await ask(socket, command, signal);
    const pong = await ask(socket, ['PING'], signal);
    if (pong !== '+PONG') return report('not-redis', `${address} does not answer PING as Redis does`);
    const version = /redis_version:(\S+)/.exec(await ask(socket, ['INFO', 'server'], signal).catch(() => ''))?.[1] ?? null;
    return report('ok', `Redis ${version ?? ''} at ${address} answered`.replace('  ', ' '), version);
  } catch (error) {
    if (error instanceof RedisError)
      return report(LOGIN_REFUSED.test(error.message) ? 'auth' : 'refused', `${address} answered: ${error.message}`);
    if (error instanceof NotRedis) return report('not-redis', `${address} is not Redis: ${error.message}`);
    if (signal.aborted) return report('timeout', `${address} did not answer within ${timeoutMs} ms`);
    const { code = 'unknown', message } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED') return report('refused', `nothing listens at ${address} (${code})`);
    return report('unreachable', `${address}: ${message === '' ? code : message}`);
  } finally {
    socket.destroy();
  }
}

/** Redis answered with an error. */
class RedisError extends Error {}

/** Another program answered. */
class NotRedis extends Error {}

function parse(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
    decodeURIComponent(url.username + url.password);
  } catch {
    throw new TypeError('The URL of Redis cannot be read; expected redis://user:password@host:6379, with percent-encoded credentials.');
  }
  // The rest of a password that is not percent-encoded: what stands before it would be shown as the host.
  if (`${url.pathname}${url.search}${url.hash}`.includes('@'))
    throw new TypeError('The URL of Redis must have percent-encoded credentials.');
  if ((url.protocol === 'redis:' || url.protocol === 'rediss:') && url.hostname !== '') return url;
  throw new TypeError('The URL of Redis must start with redis:// or rediss://, and name a host.');
}

function connectTo({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  const to = { host, port: port === '' ? DEFAULT_PORT : Number(port) };
  return protocol === 'rediss:' ? connectTls({ ...to, ...(isIP(host) === 0 ? { servername: host } : {}) }) : connectTcp(to);
}

function loginOf({ username, password }: URL): string[][] {
  if (password === '') return [];
  return [['AUTH', ...(username === '' ? [] : [decodeURIComponent(username)]), decodeURIComponent(password)]];
}

/** Sends a command and reads one reply: a line, or a text with its length. */
async function ask(socket: Socket, command: readonly string[], signal: AbortSignal): Promise<string> {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  socket.write(`*${command.length}\r\n${parts.join('')}`);
  let received = '';
  for (;;) {
    const chunk = await nextChunk(socket, signal);
    received += chunk.toString('latin1');
    if (!/^[+$-]/.test(received)) throw new NotRedis('it speaks another protocol');
    const endOfLine = received.indexOf('\r\n');
    if (endOfLine < 0) continue;
    const line = received.slice(0, endOfLine);
    if (line.startsWith('-')) throw new RedisError(line.slice(1, 200));
    if (line.startsWith('+') || received.length >= endOfLine + 4 + Number(line.slice(1))) return received.trimEnd();
  }
}

async function nextChunk(socket: Socket, signal: AbortSignal): Promise<Buffer> {
  const ended = new AbortController();
  const either = anySignal([signal, ended.signal]);
  const atEnd = (): void => ended.abort();
  socket.once('end', atEnd);
  try {
    const [chunk] = (await once(socket, 'data', { signal: either })) as [Buffer];
    return chunk;
  } catch (error) {
    if (ended.signal.aborted && !signal.aborted) throw new NotRedis('it closed the connection');
    throw error;
  } finally {
    socket.off('end', atEnd);
  }
}
