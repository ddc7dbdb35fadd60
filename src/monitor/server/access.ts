/** Checks of one request: its token, its origin, its host, and who acts. */

import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** Checks whether an `Authorization` header carries the token, in a time that does not depend on where they differ. */
export function bearerCheck(token: string): (header: string | undefined) => boolean {
  const expected = hashOf(token);
  return (header) => {
    const given = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
    return given !== undefined && timingSafeEqual(hashOf(given), expected);
  };
}

/** Hashes have equal lengths, as `timingSafeEqual` needs. */
function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * Checks whether the page that makes a request is one of this server's. Browsers name the page's origin; other clients name none. Without
 * this check, any other page could act in the reader's name (CSRF).
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
 * Checks whether a `Host` header names this server. An attacker may let a name of his resolve to 127.0.0.1 (DNS rebinding); a browser then
 * sends that name.
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

/** The header in which another process of the service names its operator. Only the audit log uses it, beside the sender's address. */
export const OPERATOR_HEADER = 'poolwright-operator';

/** The actor for the audit log: an address, or the operator's and the peer's that passed the call on. */
export function actorOf({ ip, headers }: { readonly ip: string; readonly headers: Readonly<Record<string, unknown>> }): string {
  const operator = headers[OPERATOR_HEADER];
  return typeof operator === 'string' && isIP(operator) !== 0 ? `${operator} by way of ${ip}` : ip;
}
