/** Checks of one request: its token, its origin, its host, and who acts. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** Tells whether an `Authorization` header carries the token. Comparing takes the same time wherever they differ. */
export function bearerCheck(token: string): (header: string | undefined) => boolean {
  const expected = hashOf(token);
  return (header) => {
    const given = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
    return given !== undefined && timingSafeEqual(hashOf(given), expected);
  };
}

/** Of equal length, as the comparison wants them. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * Tells whether the page that makes a request is one of this server's: browsers say where it comes from, and other clients say nothing.
 * Whatever can be asked for from other pages, they could do, too (CSRF).
 *
 * @param origin the header `Origin`
 * @param host the header `Host`
 * @param site the header `Sec-Fetch-Site`
 */
export function isSameOrigin(origin: string | undefined, host: string | undefined, site: string | undefined): boolean {
  if (site === 'cross-site' || site === 'same-site') return false;
  if (origin === undefined) return true;
  // A proxy may have taken off the TLS: the scheme is not compared.
  const named = /^https?:\/\/([^/]+)$/i.exec(origin)?.[1];
  return named !== undefined && host !== undefined && named.toLowerCase() === host.toLowerCase();
}

const LOOPBACK_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Tells whether a `Host` header names this server. A page of an attacker whose name was made to lead to 127.0.0.1 (DNS rebinding) is
 * asked for by its own name.
 *
 * @param names host names and addresses, without ports, IPv6 in brackets
 */
export function hostCheck(names: readonly string[]): (header: string | undefined) => boolean {
  const allowed = new Set([...LOOPBACK_NAMES, ...names].map((name) => name.toLowerCase()));
  return (header) => {
    const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(header ?? '')?.[1];
    return name !== undefined && allowed.has(name.toLowerCase());
  };
}

/** With which another process of the service says for whom it asks. Only the audit log looks at it, beside the address that asks. */
export const OPERATOR_HEADER = 'poolwright-operator';

/** Who acts, for the audit log: an address, or that of a peer with the one it asks for. */
export function actorOf({ ip, headers }: { readonly ip: string; readonly headers: Readonly<Record<string, unknown>> }): string {
  const operator = headers[OPERATOR_HEADER];
  return typeof operator === 'string' && isIP(operator) !== 0 ? `${operator} by way of ${ip}` : ip;
}
