/** Steps on a session: login, privileges, clock and the kill of a statement. */

import { performance } from '../../engine/waiting/index.js';
import { messageOf, PoolError } from '../../engine/index.js';
import { createPool, type Pool, type PoolOptions, type ResolvedOptions } from '../../mysql/index.js';
import { shown } from '../console/index.js';
import { CannotContinue, type Finding } from './finding.js';
import { readGrants } from './grants.js';

type Report = (finding: Finding) => void;

/** A pool of one connection, made of the options that are examined. */
export function doctorsPool(target: string | undefined, options: PoolOptions, timeoutMs: number): Pool {
  return createPool(target, {
    ...options,
    name: 'doctor',
    connectionLimit: 1,
    minIdle: 0,
    maxIdle: 1,
    acquireTimeout: timeoutMs * 2,
    connectTimeout: timeoutMs,
  });
}

/** @throws CannotContinue */
export async function logIn(pool: Pool, { connection, credentials }: ResolvedOptions, report: Report): Promise<void> {
  try {
    await using session = await pool.getConnection();
    await session.ping();
    const [account] = await columns(pool, 'SELECT CURRENT_USER()', session);
    report({ step: 'login', status: 'ok', message: `logged in as ${account ?? 'an unknown account'}` });
  } catch (error) {
    const cause = PoolError.is(error) && error.cause !== undefined ? error.cause : error;
    const { errno } = cause as { readonly errno?: number };
    const withPassword = credentials !== undefined || (connection.password ?? '') !== '';
    report({
      step: 'login',
      status: 'fail',
      message: messageOf(cause),
      advice:
        (errno === 1045 && !withPassword ? 'No password was given.' : LOGIN_ADVICE[errno ?? 0]) ??
        'See docs/troubleshooting.md for this message.',
    });
    throw new CannotContinue();
  }
}

const LOGIN_ADVICE: Readonly<Record<number, string>> = {
  1040: 'All of max_connections are taken: see SHOW PROCESSLIST as an administrator, which has one connection kept for it.',
  1044: 'The account may not use this database: GRANT … ON database.* TO …, or another name of the database.',
  1045: 'The user name or the password is wrong, or the account is for other hosts than this one. In a URL, special characters of the password must be percent-encoded.',
  1049: 'There is no database of this name on the server: check the path of the URL.',
  1129: 'Too many broken handshakes came from this machine: FLUSH HOSTS (MySQL 8.4: TRUNCATE performance_schema.host_cache).',
  1130: 'No account may log in from this host: see the host part of the account (CREATE USER name@host).',
  1203: 'This user has max_user_connections connections already.',
  1226: 'This account has a limit of its own (MAX_USER_CONNECTIONS), and has reached it.',
  1251: 'The account uses a way to log in that is not known here: ALTER USER … IDENTIFIED WITH caching_sha2_password.',
  1524: 'The account uses a plugin that the server has not loaded.',
  1698: 'The account logs in by the system account of its process (auth_socket), which does not work over TCP: give it a password.',
};

export async function examinePrivileges(pool: Pool, { endpoint }: ResolvedOptions, report: Report): Promise<void> {
  const lines = await columns(pool, 'SHOW GRANTS');
  const { summary, usable, isSuper } = readGrants(lines, endpoint.database);
  if (!usable) {
    report({
      step: 'privileges',
      status: 'fail',
      message: `the account may do nothing with ${endpoint.database === undefined ? 'any database' : `the database ${endpoint.database}`}`,
      advice: 'GRANT SELECT, INSERT, UPDATE, DELETE ON database.* TO the account.',
    });
  } else if (isSuper) {
    report({
      step: 'privileges',
      status: 'warn',
      message: `an administrator's account: ${summary}`,
      advice:
        'read_only does not bind such an account, so a write to a replica after a fail-over succeeds and is lost; and it takes the connection that is kept for emergencies. Make an account with rights on its own database only.',
    });
  } else report({ step: 'privileges', status: 'ok', message: summary });
}

/** The difference that is still normal between two clocks that are set over the network. */
const CLOCK_TOLERANCE_MS = 2_000;

export async function examineClock(pool: Pool, options: ResolvedOptions, report: Report): Promise<void> {
  const before = Date.now();
  const [seconds, offset] = await row(pool, 'SELECT UNIX_TIMESTAMP(NOW(6)), TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW())');
  const after = Date.now();
  const aheadMs = Number(seconds) * 1000 - (before + after) / 2;
  const uncertainMs = (after - before) / 2;
  const zone = zoneTrouble(Number(offset), options);
  if (Math.abs(aheadMs) > CLOCK_TOLERANCE_MS + uncertainMs) {
    report({
      step: 'clock',
      status: 'warn',
      message: `the clock of the server is ${shown(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
      advice: 'Certificates and tokens that expire are judged by the clock: set both by NTP.',
    });
  } else report({ step: 'clock', status: 'ok', message: 'the clocks agree' });
  if (zone !== undefined) report({ step: 'clock', status: 'warn', ...zone });
}

/** mysql2 writes and reads Dates in the process's zone unless `timezone` says another. */
function zoneTrouble(
  serverMinutes: number,
  { connection }: ResolvedOptions,
): { readonly message: string; readonly advice: string } | undefined {
  const { timezone } = connection;
  if (timezone !== undefined && timezone !== 'local') return undefined;
  const ownMinutes = -new Date().getTimezoneOffset();
  if (ownMinutes === serverMinutes) return undefined;
  return {
    message: `Dates are written in this process's time zone (${zoneName(ownMinutes)}), while NOW() of the session is in the server's (${zoneName(serverMinutes)})`,
    advice: `Say timezone: 'Z' and keep UTC in DATETIME columns, or the server's zone: timezone: '${zoneName(serverMinutes)}'.`,
  };
}

function zoneName(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) => String(part).padStart(2, '0'));
  return `${minutes < 0 ? '-' : '+'}${hours}:${rest}`;
}

const STATEMENT_TIMEOUT_MS = 250;
const STATEMENT_SECONDS = 5;

/** Whether a statement that takes too long is stopped on the server, as `timeout` and `signal` promise. */
export async function examineCancellation(pool: Pool, report: Report): Promise<void> {
  const startedAt = performance.now();
  const error: unknown = await pool
    .query({ sql: `SELECT SLEEP(${STATEMENT_SECONDS})`, timeout: STATEMENT_TIMEOUT_MS })
    .then(() => undefined)
    .catch((reason: unknown) => reason);
  // The same connection, or its replacement, is free again when the statement has really ended.
  await pool.query('SELECT 1');
  const tookMs = performance.now() - startedAt;
  const stopped = PoolError.is(error) && error.code === 'POOL_QUERY_TIMEOUT' && pool.stats().kills > 0 && tookMs < STATEMENT_SECONDS * 1000;
  if (stopped)
    report({
      step: 'cancel',
      status: 'ok',
      message: `a statement of ${STATEMENT_SECONDS} s was stopped on the server after ${shown(tookMs)}`,
    });
  else {
    report({
      step: 'cancel',
      status: 'warn',
      message: 'a statement that took too long was given up, but not stopped on the server',
      advice:
        'Something between here and the server has connection numbers of its own. Timed-out statements run on there: give the server a limit (max_execution_time; MariaDB: max_statement_time).',
    });
  }
}

/** The first row's values, as text. */
export async function row(pool: Pool, sql: string): Promise<readonly (string | null)[]> {
  const [rows] = await pool.query({ sql, rowsAsArray: true });
  return ((rows as unknown as (string | number | null)[][])[0] ?? []).map((value) => (value === null ? null : String(value)));
}

/** The first column of every row, as text. */
async function columns(pool: Pool, sql: string, session: Pick<Pool, 'query'> = pool): Promise<string[]> {
  const [rows] = await session.query({ sql, rowsAsArray: true });
  return (rows as unknown as unknown[][]).map(([first]) => String(first));
}
