/** The URL of a database, with percent-encoded credentials. */
import { isIPv6 } from 'node:net';

/** Where a database is, and as whom to connect. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Values that replace those of the server in its URL. */
export interface UrlOverrides extends Partial<DatabaseAddress> {
  /** The query string. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/**
 * Writes an address as an URL, with percent-encoded credentials.
 *
 * @param address - The values to write.
 * @param overrides - Values that take the place of some of them, and the query string.
 * @param scheme - Default `mysql`.
 */
export function databaseUrl(address: DatabaseAddress, { parameters = {}, ...overrides }: UrlOverrides = {}, scheme = 'mysql'): string {
  const { host, port, user, password, database } = { ...address, ...overrides };
  const query = new URLSearchParams(parameters).toString();
  return [
    `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(password)}`,
    `@${isIPv6(host) ? `[${host}]` : host}:${port}/${encodeURIComponent(database)}`,
    query === '' ? '' : `?${query}`,
  ].join('');
}
