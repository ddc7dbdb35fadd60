/** Every number of MySQL, MariaDB, TiDB and proxies that says something about connections, sessions or retries: its class, and where that was read. */

/**
 * What an error says about the connection it came over. Matched on `errno`, because mysql2 has no names for TiDB's and the
 * proxies' numbers.
 */
export type ErrorClass =
  /** The connection must not be used again. */
  | 'connection-fatal'
  /** The server must not be used for now: it is read-only after a fail-over, shutting down, or draining. */
  | 'endpoint-poisoned'
  /** Connecting failed and may succeed in a moment. */
  | 'connect-transient'
  /** Connecting failed and will fail again until something is changed. */
  | 'connect-permanent'
  /** The server no longer knows the prepared statement. */
  | 'statement-cache-invalid'
  /** The statement or its transaction failed; the connection is fine. */
  | 'work-failed';

/** Where a row was read. The first two are compared with the server's own list in a test. */
export const ERROR_SOURCES = {
  mysql: 'messages of MySQL 9.7, by perror, 2026-11-29',
  mariadb: 'messages of MariaDB 10.11 and 11.8, errmsg.sys, 2026-11-29',
  client: 'MySQL client errors, which MySQL Router and other proxies send to their clients, 2026-11-29',
  tidb: 'docs.pingcap.com/tidb/v8.4/error-codes, 2026-11-29',
  proxysql: 'github.com/sysown/proxysql, issues 4657 and 4292, 2026-11-29',
} as const;

type ErrorSource = keyof typeof ERROR_SOURCES;

/** What else a number says. */
interface Facts {
  /** The connection is gone, and with it the answer of the statement. */
  readonly lost?: true;
  /** A server that is well closes one connection with it: it says nothing about the others. */
  readonly one?: true;
  /** The server has undone the transaction, or lets it be undone, and the same work may succeed next time. */
  readonly undone?: true;
  /** The other server means something else by the number, and begins its message so: then it is an error of the work. */
  readonly unless?: RegExp;
}

/** One number. */
export interface ErrorRow extends Facts {
  readonly errno: number;
  readonly class: ErrorClass;
  readonly source: ErrorSource;
  readonly meaning: string;
}

const LOST = { lost: true } as const;
const ONE = { one: true } as const;
const LOST_ONE = { lost: true, one: true } as const;
const UNDONE = { undone: true } as const;

type Entry = readonly [errno: number, meaning: string, source: ErrorSource, facts?: Facts];

const ENTRIES: Readonly<Record<ErrorClass, readonly Entry[]>> = {
  'connection-fatal': [
    [1047, 'unknown command', 'mysql', ONE],
    [1077, 'normal shutdown', 'mysql'],
    [1079, 'shutdown complete', 'mysql'],
    [1080, 'forced close', 'mysql', ONE],
    [1152, 'aborted connection', 'mysql', LOST],
    [1153, 'packet larger than max_allowed_packet', 'mysql', ONE],
    [1154, 'read error from the pipe', 'mysql', ONE],
    [1155, 'error of fcntl()', 'mysql', ONE],
    [1156, 'packets out of order', 'mysql', ONE],
    [1157, 'packet that cannot be uncompressed', 'mysql', ONE],
    [1158, 'error reading packets', 'mysql', LOST],
    [1159, 'time-out reading packets', 'mysql', LOST],
    [1160, 'error writing packets', 'mysql', LOST],
    [1161, 'time-out writing packets', 'mysql', LOST],
    [1184, 'aborted connection, with its host', 'mysql', LOST],
    [1835, 'malformed packet', 'mysql', ONE],
    [1873, 'COM_CHANGE_USER denied: the server disconnects', 'mysql', ONE],
    [1927, 'connection was killed', 'mariadb', LOST_ONE],
    [2006, 'server has gone away', 'client', LOST],
    [2013, 'lost connection during the statement', 'client', LOST],
    [2055, 'lost connection, with the system’s error', 'client', LOST],
    [3032, 'offline mode', 'mysql'],
    [3168, 'server is not available', 'mysql', LOST_ONE],
    [3169, 'session was killed', 'mysql', LOST_ONE],
    [4031, 'closed because it was idle', 'mysql', { lost: true, one: true, unless: /^Referenced trigger/u }],
    [4081, 'closed: memory limit of all connections', 'mysql', { one: true, unless: /^Unknown structured/u }],
    [4082, 'closed: memory limit of the connection', 'mysql', { one: true, unless: /^Row variable/u }],
    [6400, 'offline mode, with its reason', 'mysql'],
    [6401, 'offline mode, with who set it', 'mysql'],
  ],
  'endpoint-poisoned': [
    [1053, 'shutdown in progress; TiDB answers pings with it while it drains', 'mysql'],
    [1290, 'an option prevents the statement: read-only, after a fail-over', 'mysql'],
    [1792, 'read-only transaction', 'mysql'],
    [1836, 'read-only mode', 'mysql'],
    [1874, 'InnoDB is read-only', 'mysql'],
  ],
  'connect-transient': [
    [1040, 'too many connections', 'mysql'],
    [1042, 'the client’s host name cannot be found', 'mysql'],
    [1043, 'bad handshake', 'mysql'],
    [1129, 'host is blocked for its connection errors', 'mysql'],
    [1135, 'no thread for the connection', 'mysql'],
    [1203, 'too many connections of this user', 'mysql'],
    [1226, 'a limit of the account is used up', 'mysql'],
    [2002, 'no connection to the server behind, by socket', 'client'],
    [2003, 'no connection to the server behind', 'client'],
    [2005, 'unknown host of the server behind', 'client'],
    [6141, 'hand-over of Group Replication is busy', 'mysql'],
  ],
  'connect-permanent': [
    [1044, 'no access to the database', 'mysql'],
    [1045, 'access denied', 'mysql'],
    [1049, 'unknown database', 'mysql'],
    [1130, 'host is not allowed', 'mysql'],
    [1251, 'the client does not know the way to log in', 'mysql'],
    [1275, 'password in the old format', 'mysql'],
    [1524, 'authentication plugin is not loaded', 'mysql'],
    [1698, 'access denied, no password involved', 'mysql'],
    [1820, 'password must be changed before anything else', 'mysql'],
    [1862, 'password has expired', 'mysql'],
    [3118, 'account is locked', 'mysql'],
    [3159, 'plaintext is refused', 'mysql'],
    [3879, 'no access to the database, by roles', 'mysql'],
    [3955, 'account is blocked by failed logins', 'mysql'],
    [4055, 'authentication plugin asks for a registration', 'mysql', { unless: /^(?!Authentication plugin)/u }],
    [4150, 'account is blocked by failed logins', 'mariadb', { unless: /^Unexpected characters/u }],
    [4151, 'account is locked', 'mariadb', { unless: /^Unexpected end of input/u }],
    [6126, 'access denied: no right to be a proxy user', 'mysql'],
    [6127, 'access denied: the proxied user does not exist', 'mysql'],
    [6444, 'access denied by the firewall', 'mysql'],
  ],
  'statement-cache-invalid': [
    [1243, 'unknown prepared statement', 'mysql'],
    [1461, 'too many prepared statements', 'mysql'],
    [1615, 'must be prepared again', 'mysql'],
  ],
  'work-failed': [
    [1020, 'record has changed since the last read (snapshot isolation of MariaDB 11)', 'mariadb', UNDONE],
    [1037, 'out of memory', 'mysql'],
    [1094, 'unknown connection number', 'mysql'],
    [1095, 'not the owner of that connection', 'mysql'],
    [1205, 'lock wait time-out', 'mysql', UNDONE],
    [1213, 'deadlock', 'mysql', UNDONE],
    [1317, 'interrupted: a KILL', 'mysql'],
    [1412, 'table definition has changed: retry the transaction', 'mysql', UNDONE],
    [1689, 'lock wait aborted by an exclusive lock', 'mysql'],
    [1931, 'interrupted: rows examined', 'mariadb'],
    [1969, 'interrupted: max_statement_time', 'mariadb'],
    [3024, 'interrupted: max_execution_time', 'mysql'],
    [3058, 'deadlock of user locks', 'mysql'],
    [3101, 'rolled back during COMMIT (conflict in Group Replication)', 'mysql', UNDONE],
    [3132, 'deadlock of the locking service', 'mysql'],
    [3133, 'lock wait time-out of the locking service', 'mysql'],
    [3197, 'XA branch cannot be committed now', 'mysql'],
    [3572, 'lock not granted, and NOWAIT was asked for', 'mysql'],
    [3781, 'held statement timed out while a new primary applies', 'mysql'],
    [3782, 'held statement aborted: Group Replication was stopped', 'mysql'],
    [3783, 'held statement aborted: the member is in error', 'mysql'],
    [4060, 'transaction was rolled back before, and cannot be committed', 'mariadb'],
    [4094, 'blocked while the primary changes', 'mysql'],
    [8002, 'SELECT FOR UPDATE conflict: rolled back', 'tidb', UNDONE],
    [8005, 'write conflict, the start of the transaction is stale', 'tidb'],
    [8022, 'commit failed and was rolled back', 'tidb', UNDONE],
    [8027, 'schema of this server is out of date', 'tidb'],
    [8028, 'schema has changed', 'tidb', UNDONE],
    [9001, 'PD time-out; of ProxySQL: no server within its connect time-out', 'tidb'],
    [9002, 'TiKV time-out: a commit may have taken effect', 'tidb'],
    [9003, 'TiKV is busy', 'tidb'],
    [9004, 'locks could not be resolved in time', 'tidb'],
    [9005, 'region is unavailable', 'tidb'],
    [9006, 'transaction is older than what was kept; of ProxySQL: locked to another hostgroup', 'proxysql'],
    [9007, 'write conflict', 'tidb', UNDONE],
  ],
};

/** All numbers that are classed. Every other is an error of the work. */
export const ERROR_ROWS: readonly ErrorRow[] = Object.entries(ENTRIES).flatMap(([name, entries]) =>
  entries.map(([errno, meaning, source, facts]) => ({ errno, class: name as ErrorClass, meaning, source, ...facts })),
);

const ROW_OF: ReadonlyMap<number, ErrorRow> = new Map(ERROR_ROWS.map((row) => [row.errno, row]));

/**
 * The row of a number.
 *
 * @param message of the error, where it is known: some numbers mean one thing to MySQL and another to MariaDB
 */
export function rowOf(errno: number, message?: unknown): ErrorRow | undefined {
  const row = ROW_OF.get(errno);
  return row?.unless !== undefined && typeof message === 'string' && row.unless.test(message) ? undefined : row;
}
