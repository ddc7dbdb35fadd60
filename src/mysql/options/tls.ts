/** How connections are encrypted: what the option `ssl` and the TLS parameters of a URL ask for, and what is refused. */

import { nodeNet } from '../../packages/index.js';
import { invalid, invalidUnquoted, messageOf, PoolError } from '../../engine/index.js';
import { type SslOptions, sslProfile } from '../driver/index.js';

/** mysql2's `ssl` object, as far as Poolwright sets it. */
export type TlsOptions = SslOptions;

/** What the options ask for: nothing, verified TLS, plaintext, a profile of mysql2's by name, or an object. */
export type TlsRequest = boolean | string | TlsOptions;

/** What a pool does: `verified` checks the certificate's chain and host name, `unverified` encrypts only. */
export type TlsMode = 'off' | 'unverified' | 'verified';

export interface Tls {
  readonly mode: TlsMode;
  /** One object for all connections of a pool: mysql2 caches the secure context and the TLS sessions by its identity. */
  readonly ssl: TlsOptions | undefined;
}

/** Older versions are broken (RFC 8996), and TiDB Cloud refuses them. */
const OLDEST_VERSION = 'TLSv1.2';

/** What a caller can do: every refusal of plaintext says the same. */
const WAY_OUT =
  "give the server's CA as ssl: { ca } (or ?sslca=path), or set ssl: false (or ?ssl=false) to accept plaintext on this network";

/** What the option takes. */
const ALLOWED = "true, false, an object of TLS options, or the name of one of mysql2's profiles";

/** The parameters of a URL that set TLS, in lower case. */
export const tlsUrlParameters: readonly string[] = [
  'ssl',
  'sslaccept',
  'sslmode',
  'ssl-mode',
  'sslca',
  'ssl-ca',
  'sslcert',
  'ssl-cert',
  'sslkey',
  'ssl-key',
];

/**
 * Decides how to connect: as asked, else verified TLS over a network and plaintext to this machine.
 *
 * @throws PoolError `POOL_TLS_REQUIRED` when plaintext is asked for where it cannot work, `POOL_OPTION_INVALID`
 */
export function resolveTls(
  request: TlsRequest | undefined,
  endpoint: { readonly host: string; readonly socketPath?: string | undefined },
): Tls {
  const local = isLocal(endpoint);
  if (request === undefined) return local ? { mode: 'off', ssl: undefined } : verified({});
  if (request === false) {
    if (isTidbCloud(endpoint.host)) {
      throw new PoolError(
        'POOL_TLS_REQUIRED',
        `${endpoint.host} is a TiDB Cloud host, which refuses plaintext: leave ssl out, or set it to true.`,
      );
    }
    return { mode: 'off', ssl: undefined };
  }
  if (request === true) return verified({});
  if (typeof request === 'string') return verified(profileNamed(request));
  if (typeof request !== 'object' || request === null) throw invalidUnquoted('ssl', request, ALLOWED);
  return verified(request);
}

/** Whether connections stay on this machine. */
export function isLocal({ host, socketPath }: { readonly host: string; readonly socketPath?: string | undefined }): boolean {
  return socketPath !== undefined || isLoopback(host);
}

/** Whether the traffic between this process and `host` stays on this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  if (nodeNet().isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name === '0:0:0:0:0:0:0:1' || name.startsWith('::ffff:127.');
}

/** TiDB Cloud requires TLS and cuts connections after 30 minutes (its documentation; "start at 5 minutes"). */
export function isTidbCloud(host: string): boolean {
  return /(^|\.)tidbcloud\.com$/i.test(host);
}

/** The server does not offer TLS, and no option allows plaintext. */
export function plaintextRefused(host: string, cause: unknown): PoolError {
  return new PoolError(
    'POOL_TLS_REQUIRED',
    `${host} does not offer TLS, and credentials are not sent in plaintext over a network: ${WAY_OUT}.`,
    { cause },
  );
}

/**
 * The TLS spellings of database URLs: mysql2's `ssl`, Prisma's `sslaccept`, the mysql client's `ssl-mode`, and files.
 *
 * @param parameters names in lower case, and values, as often as they are given
 * @throws PoolError `POOL_OPTION_INVALID`, and when two of them ask for different things, so that the weaker one is never taken silently
 */
export function tlsFromUrl(parameters: readonly (readonly [string, string])[], source: string): TlsRequest | undefined {
  const requests: TlsRequest[] = [];
  const files = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (name === 'ssl') requests.push(sslParameter(value, source));
    else if (name === 'sslaccept') requests.push(sslAcceptParameter(value, source));
    else if (name === 'sslmode' || name === 'ssl-mode') requests.push(sslModeParameter(value, source));
    else {
      const file = name.replace('-', '');
      const other = files.get(file);
      if (other !== undefined && other !== value)
        throw new PoolError('POOL_OPTION_INVALID', `${file} appears twice in ${source}, with different values: give one.`);
      files.set(file, value);
    }
  }
  const [request, ...others] = new Map(requests.map((one) => [JSON.stringify(one), one])).values();
  if (others.length > 0)
    throw new PoolError('POOL_OPTION_INVALID', `The TLS parameters in ${source} contradict each other: give one of them.`);
  if (files.size === 0) return request;
  if (request === false || typeof request === 'string') {
    throw new PoolError('POOL_OPTION_INVALID', `The TLS files in ${source} contradict its ssl parameter: give one of them.`);
  }
  return { ...(typeof request === 'object' ? request : {}), ...sslFiles(files, source) };
}

/** What is not a boolean may be meant either way: `verifyIdentity: 0` would switch the check of the name off. */
function checkVerification(request: TlsOptions): void {
  for (const name of ['rejectUnauthorized', 'verifyIdentity'] as const) {
    const value: unknown = request[name];
    if (value !== undefined && typeof value !== 'boolean') throw invalidUnquoted(`ssl.${name}`, value, 'true or false');
  }
}

function verified(request: TlsOptions): Tls {
  checkVerification(request);
  const ssl: TlsOptions = { ...request };
  ssl.minVersion ??= OLDEST_VERSION;
  ssl.rejectUnauthorized ??= true;
  ssl.verifyIdentity ??= ssl.rejectUnauthorized;
  return { mode: ssl.rejectUnauthorized && ssl.verifyIdentity ? 'verified' : 'unverified', ssl };
}

function profileNamed(name: string): TlsOptions {
  try {
    return sslProfile(name);
  } catch {
    // A key that was pasted here by mistake must not get into a log.
    throw invalidUnquoted('ssl', name, ALLOWED);
  }
}

function sslParameter(text: string, source: string): TlsRequest {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  if (!text.startsWith('{')) return text;
  try {
    return JSON.parse(text) as TlsOptions;
  } catch {
    throw new PoolError(
      'POOL_OPTION_INVALID',
      `ssl in ${source} must be true, false, a JSON object, or the name of one of mysql2's profiles.`,
    );
  }
}

/** Prisma's spelling. */
function sslAcceptParameter(text: string, source: string): TlsRequest {
  switch (text) {
    case 'strict':
      return true;
    case 'accept_invalid_certs':
      return { rejectUnauthorized: false };
    default:
      throw invalid(`sslaccept in ${source}`, text, "'strict' or 'accept_invalid_certs'");
  }
}

/** The mysql client's spelling: REQUIRED encrypts without verifying, VERIFY_CA verifies the chain, VERIFY_IDENTITY the host name too. */
function sslModeParameter(text: string, source: string): TlsRequest {
  switch (text.toUpperCase().replaceAll('-', '_')) {
    case 'DISABLED':
    case 'DISABLE':
      return false;
    case 'REQUIRED':
    case 'REQUIRE':
      return { rejectUnauthorized: false };
    case 'VERIFY_CA':
      return { rejectUnauthorized: true, verifyIdentity: false };
    case 'VERIFY_IDENTITY':
    case 'VERIFY_FULL':
      return true;
    default:
      // PREFERRED falls back to plaintext silently. DISABLED asks for plaintext openly.
      throw invalid(`ssl-mode in ${source}`, text, 'DISABLED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY');
  }
}

/** `sslcert` without a key is Prisma's name for the CA; with a key it is the client's certificate. */
function sslFiles(files: ReadonlyMap<string, string>, source: string): TlsOptions {
  const ca = files.get('sslca');
  const cert = files.get('sslcert');
  const key = files.get('sslkey');
  const ssl: TlsOptions = {};
  if (ca !== undefined) ssl.ca = fileOf('sslca', ca, source);
  if (cert !== undefined) ssl[key === undefined ? 'ca' : 'cert'] = fileOf('sslcert', cert, source);
  if (key !== undefined) ssl.key = fileOf('sslkey', key, source);
  return ssl;
}

function fileOf(name: string, path: string, source: string): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
  } catch (error) {
    throw new PoolError('POOL_OPTION_INVALID', `${name} in ${source} cannot be read: ${messageOf(error)}.`);
  }
}
