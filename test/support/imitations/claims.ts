/** What the documents say of products that the tests cannot run, each with its source; tests in test/mysql/imitations rest on them. */

import { DOCUMENTS, READ } from './documents.js';

/** Products that tests do not have. */
export type ImitatedProduct = 'TiDB' | 'Vitess, PlanetScale' | 'ProxySQL' | 'MaxScale' | 'Amazon Aurora' | 'RDS Proxy';

/** One claim of a document. */
export interface Claim {
  readonly product: ImitatedProduct;
  /** As a sentence without its full stop. */
  readonly says: string;
  readonly source: keyof typeof DOCUMENTS;
  /** Where the rest of it was read. */
  readonly also?: keyof typeof DOCUMENTS;
  /** What the pool does about it. */
  readonly pool: string;
  /** The test that plays it on the wire, under test/mysql/imitations. Without one, the claim stands by its document only. */
  readonly test?: string;
}

const TIDB = { product: 'TiDB', test: 'tidb' } as const;
const VITESS = { product: 'Vitess, PlanetScale', test: 'vitess' } as const;
const PROXYSQL = { product: 'ProxySQL', test: 'proxysql' } as const;
const MAXSCALE = { product: 'MaxScale', test: 'maxscale' } as const;
const AURORA = { product: 'Amazon Aurora', test: 'aurora' } as const;
const RDS_PROXY = { product: 'RDS Proxy', test: 'rds-proxy' } as const;

export const CLAIMS = {
  'tidb-greeting': {
    ...TIDB,
    says: 'TiDB identifies itself by the version in its greeting. Its answers report no changes of the session',
    source: 'tidbConfiguration',
    also: 'tidbCode',
    pool: 'asks for no reports, and decides about resets by the texts of statements',
  },
  'tidb-numbers': {
    ...TIDB,
    says: 'TiDB’s connection numbers may have 64 bits, but a greeting has room for only 32',
    source: 'tidbKill',
    pool: 'asks for the full number and uses it to kill',
  },
  'tidb-kill': {
    ...TIDB,
    says: 'Without Global Kill, TiDB accepts only KILL TIDB, and another server’s connection may have the same number',
    source: 'tidbKill',
    pool: 'sends KILL TIDB QUERY, and only to the server that lists the connection',
  },
  'tidb-retries': {
    ...TIDB,
    says: 'TiDB allows a client to try the whole transaction again after 8002, 8022, 8028, and 9007',
    source: 'tidbErrors',
    pool: 'runs the function of `pool.transaction` again',
  },
  'tidb-failures': {
    ...TIDB,
    says: 'TiDB answers with its own error numbers above 8000 and 9000 when a part of it is busy or unreachable',
    source: 'tidbErrors',
    pool: 'throws them unchanged, and keeps the connection',
  },
  'tidb-undetermined': {
    ...TIDB,
    says: 'When TiDB does not know whether a COMMIT took effect, it closes the connection without an answer',
    source: 'tidbCode',
    pool: 'throws `POOL_COMMIT_UNKNOWN`, and runs nothing again',
  },
  'tidb-draining': {
    ...TIDB,
    says: 'A TiDB server that is about to stop answers pings with 1053, but still answers statements normally',
    source: 'tidbCode',
    pool: 'replaces its connections, and no caller gets an error',
  },
  'tidb-read-only': {
    ...TIDB,
    says: 'While TiDB is read-only (tidb_super_read_only), it answers writes with 1836',
    source: 'tidbErrno',
    pool: 'throws the error, and replaces its connections',
  },
  'tidb-cut': {
    ...TIDB,
    says: 'TiDB Cloud may end connections that have been open for more than 30 minutes',
    source: 'tidbCloud',
    pool: 'replaces connections to `*.tidbcloud.com` after 5 minutes, and does not lend a connection that was cut while it was idle',
  },
  'vitess-reset': {
    ...VITESS,
    says: 'vtgate’s COM_RESET_CONNECTION rolls back, but keeps variables and the default database',
    source: 'vitessSession',
    pool: 'does not trust the reset, and replaces a connection whose session was changed',
  },
  'vitess-users': {
    ...VITESS,
    says: 'vtgate answers COM_CHANGE_USER with 1047',
    source: 'vitessServer',
    pool: 'throws the error of `changeUser`, and replaces the connection',
  },
  'vitess-transaction-time': {
    ...VITESS,
    says: 'vttablet ends a transaction that takes longer than its timeout, and the following statements of the transaction fail',
    source: 'vitessCompatibility',
    pool: 'throws the error, runs nothing again, and continues to lend the connection',
  },
  'vitess-not-serving': {
    ...VITESS,
    says: 'While a tablet is promoted, vtgate answers with error 1105 that a primary is not serving',
    source: 'vitessBuffering',
    pool: 'throws the error unchanged, and keeps the connection',
  },
  'vitess-lost-tablet': {
    ...VITESS,
    says: 'vtgate reports a lost or late tablet as 1105 or 1317',
    source: 'vitessErrors',
    pool: 'throws `POOL_COMMIT_UNKNOWN` when this error answers a COMMIT',
  },
  'vitess-used-up': {
    ...VITESS,
    says: 'When a pool of vttablet is used up, vtgate answers with 1203',
    source: 'vitessErrors',
    pool: 'throws the error unchanged, and keeps the connection',
  },
  'vitess-draining': {
    ...VITESS,
    says: 'A vtgate that is about to stop answers pings, and statements outside transactions, with 1053',
    source: 'vitessServer',
    pool: 'replaces its connections',
  },
  'vitess-kill': {
    ...VITESS,
    says: 'vtgate refuses KILL by default (VT07001, 1095), and its connection numbers are its own',
    source: 'vitessErrorPage',
    pool: 'never sends KILL there. The caller gets its error in time, and the pool closes the connection',
  },
  'vitess-unsupported': {
    ...VITESS,
    says: 'Vitess answers unsupported statements with errors (VT12001)',
    source: 'vitessErrorPage',
    pool: 'throws them unchanged, and keeps the connection',
  },
  'planetscale-limits': {
    product: 'Vitess, PlanetScale',
    says: 'PlanetScale ends transactions after 20 s, SELECT after 900 s, and may end connections after 24 hours',
    source: 'planetScaleLimits',
    pool: 'replaces connections after 30 minutes by default',
  },
  'proxysql-greeting': {
    ...PROXYSQL,
    says: 'ProxySQL greets as 8.0.11 by default. A SET that it does not know binds the session to one hostgroup, and it then refuses others (9006)',
    source: 'proxySqlThread',
    also: 'proxySqlSession',
    pool: 'sees that the connection’s number differs, and sends no SET of its own',
  },
  'proxysql-numbers': {
    ...PROXYSQL,
    says: 'ProxySQL uses its own connection numbers, and accepts KILL for them',
    source: 'proxySqlSession',
    pool: 'never sends KILL there; it closes the connection',
  },
  'proxysql-variables': {
    ...PROXYSQL,
    says: 'After a statement with @, ProxySQL stops sharing the connection',
    source: 'proxySqlMultiplexing',
    pool: 'sends no such statement of its own while sessions stay clean',
  },
  'proxysql-no-server': {
    ...PROXYSQL,
    says: 'When ProxySQL reaches no server in time, it answers with 9001',
    source: 'proxySqlSession',
    pool: 'throws the error unchanged, and keeps the connection',
  },
  'proxysql-lost-server': {
    ...PROXYSQL,
    says: 'When ProxySQL loses its connection to the server during a statement, it answers with 2013',
    source: 'proxySqlSession',
    pool: 'throws `POOL_CONNECTION_LOST`, or `POOL_COMMIT_UNKNOWN` when the error answers a COMMIT',
  },
  'proxysql-full': {
    ...PROXYSQL,
    says: 'ProxySQL refuses clients above mysql-max_connections with 1040',
    source: 'proxySqlSession',
    pool: 'reports the error to the waiting callers, and tries again soon',
  },
  'maxscale-greeting': {
    ...MAXSCALE,
    says: 'MaxScale greets with a configurable version, such as 10.11.2-MariaDB-RWsplit',
    source: 'maxScaleGuide',
    pool: 'works as on MariaDB',
  },
  'maxscale-no-primary': {
    ...MAXSCALE,
    says: 'While there is no primary, MaxScale answers writes with 1290, as a read-only server does',
    source: 'maxScaleSplit',
    pool: 'throws the error, and replaces its connections',
  },
  'maxscale-closing': {
    ...MAXSCALE,
    says: 'When MaxScale closes a connection, it sends 1927, “Connection killed by MaxScale”, unasked',
    source: 'maxScaleClient',
    pool: 'replaces the connection. A running statement ends with `POOL_CONNECTION_LOST`; a statement that was not sent runs on another connection',
  },
  'maxscale-full': {
    ...MAXSCALE,
    says: 'When MaxScale accepts no more connections, it greets with 1040',
    source: 'maxScaleClient',
    pool: 'reports the error to the waiting callers, and tries again soon',
  },
  'maxscale-sessions': {
    product: 'MaxScale',
    says: 'MaxScale repeats commands that change the session on every server, and remembers 50 of them',
    source: 'maxScaleRouter',
    also: 'maxScaleGuide',
    pool: 'sends one such command at the start of a connection under hygiene `auto`, and its resets',
  },
  'maxscale-kill': {
    product: 'MaxScale',
    says: 'MaxScale accepts KILL for its own connections, but ignores a prepared KILL',
    source: 'maxScaleLimits',
    pool: 'sends KILL as text, and only where the connection’s number and address agree',
  },
  'aurora-failover': {
    ...AURORA,
    says: 'After a fail-over, Aurora’s old writer is a reader and answers writes with 1290',
    source: 'auroraReadOnly',
    pool: 'throws that one error, replaces all connections, and resolves the name again',
  },
  'aurora-names': {
    ...AURORA,
    says: 'Aurora’s names lead to the old writer until caches of DNS have expired',
    source: 'auroraReadOnly',
    pool: 'replaces connections again, until a new one leads to the writer',
  },
  'aurora-replicas': {
    product: 'Amazon Aurora',
    says: 'information_schema.replica_host_status lists the instances; MASTER_SESSION_ID marks the writer',
    source: 'auroraTables',
    pool: 'does not read it',
  },
  'rds-pinning': {
    ...RDS_PROXY,
    says: 'RDS Proxy pins a connection when its session is changed or when it prepares statements',
    source: 'rdsPinning',
    pool: 'sends nothing of its own that changes the session or prepares statements, under hygiene `transaction`',
  },
  'rds-idle': {
    ...RDS_PROXY,
    says: 'RDS Proxy closes client connections that are idle for 30 minutes',
    source: 'rdsConnections',
    pool: 'replaces such a connection, and the next caller does not notice',
  },
  'rds-borrow': {
    ...RDS_PROXY,
    says: 'When no connection to the database becomes free in time, RDS Proxy answers with 9501',
    source: 'rdsTroubleshooting',
    pool: 'throws the error unchanged. If it occurs while connecting, the pool reports it to the waiting callers and tries again soon',
  },
  'rds-tls': {
    ...RDS_PROXY,
    says: 'RDS Proxy can refuse plaintext with 3159',
    source: 'rdsTroubleshooting',
    pool: 'throws the error at once, because another attempt would not help',
  },
} as const satisfies Readonly<Record<string, Claim>>;

export type ClaimName = keyof typeof CLAIMS;

/** The title of the test that plays a claim: what the document says, and what the pool does. */
export function titleOf(name: ClaimName): string {
  const { says, pool }: Claim = CLAIMS[name];
  return `${says}: the pool ${pool}`;
}

/** Where a claim was read, and when. */
export function sourceOf({ source, also }: Claim): string {
  return [source, also].flatMap((name) => (name === undefined ? [] : `${DOCUMENTS[name]}, ${READ}`)).join('; ');
}
