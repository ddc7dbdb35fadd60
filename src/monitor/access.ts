import { createHash, timingSafeEqual } from 'node:crypto';

/** Tells whether an `Authorization` header carries the token. Comparing takes the same time wherever they differ. */
export function bearerCheck(token: string): (header: string | undefined) => boolean {
  const expected = digestOf(token);
  return (header) => {
    const given = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
    return given !== undefined && timingSafeEqual(digestOf(given), expected);
  };
}

/** Of equal length, as the comparison wants them. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
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
