/** What the documents of products that are out of reach say, each with its source; tests in test/mysql/imitations rest on them. */

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
    says: 'TiDB’s version names it in the greeting, and its answers report no changes of the session',
    source: 'tidbConfiguration',
    also: 'tidbCode',
    pool: 'asks for no reports, and resets by what the texts of statements show',
  },
  'tidb-numbers': {
    ...TIDB,
    says: 'TiDB’s connection numbers may have 64 bits, and a greeting has room for 32',
    source: 'tidbKill',
    pool: 'asks for the whole number and kills by that',
  },
  'tidb-kill': {
    ...TIDB,
    says: 'Without Global Kill, TiDB takes KILL TIDB only, and another server’s connection may have the same number',
    source: 'tidbKill',
    pool: 'says KILL TIDB QUERY, to the server alone that shows the connection',
  },
  'tidb-retries': {
    ...TIDB,
    says: 'TiDB lets the whole transaction be tried again after 8002, 8022, 8028 and 9007',
    source: 'tidbErrors',
    pool: 'runs the function of `pool.transaction` again',
  },
  'tidb-failures': {
    ...TIDB,
    says: 'TiDB answers with numbers above 8000 and 9000 of its own when a part of it is busy or out of reach',
    source: 'tidbErrors',
    pool: 'throws them as they are, and keeps the connection',
  },
  'tidb-undetermined': {
    ...TIDB,
    says: 'TiDB closes a connection without an answer when it does not know whether a COMMIT took effect',
    source: 'tidbCode',
    pool: 'throws `POOL_COMMIT_UNKNOWN`, and runs nothing again',
  },
  'tidb-draining': {
    ...TIDB,
    says: 'A TiDB server that is about to stop answers pings with 1053, and statements as ever',
    source: 'tidbCode',
    pool: 'replaces its connections, and no caller has an error',
  },
  'tidb-read-only': {
    ...TIDB,
    says: 'TiDB answers writes with 1836 while it is read-only (tidb_super_read_only)',
    source: 'tidbErrno',
    pool: 'throws it, and replaces its connections',
  },
  'tidb-cut': {
    ...TIDB,
    says: 'TiDB Cloud may end connections that are open for more than 30 minutes',
    source: 'tidbCloud',
    pool: 'replaces connections to `*.tidbcloud.com` after 5 minutes; one that was cut while it was idle is not lent',
  },
  'vitess-reset': {
    ...VITESS,
    says: 'vtgate’s COM_RESET_CONNECTION rolls back and keeps variables and the default database',
    source: 'vitessSession',
    pool: 'replaces a connection whose session was changed, and does not trust the reset',
  },
  'vitess-users': {
    ...VITESS,
    says: 'vtgate answers COM_CHANGE_USER with 1047',
    source: 'vitessServer',
    pool: 'throws the error of `changeUser`, and replaces the connection',
  },
  'vitess-transaction-time': {
    ...VITESS,
    says: 'vttablet ends a transaction that takes longer than its time-out, and what follows in it fails',
    source: 'vitessCompatibility',
    pool: 'throws the error, runs nothing again, and lends the connection on',
  },
  'vitess-not-serving': {
    ...VITESS,
    says: 'vtgate answers that a primary is not serving with error 1105 while a tablet is promoted',
    source: 'vitessBuffering',
    pool: 'throws it as it is, and keeps the connection',
  },
  'vitess-lost-tablet': {
    ...VITESS,
    says: 'vtgate passes on as 1105 or 1317 that a tablet was lost or late',
    source: 'vitessErrors',
    pool: 'throws `POOL_COMMIT_UNKNOWN` when that answers a COMMIT',
  },
  'vitess-used-up': {
    ...VITESS,
    says: 'vtgate answers with 1203 when a pool of vttablet is used up',
    source: 'vitessErrors',
    pool: 'throws it as it is, and keeps the connection',
  },
  'vitess-draining': {
    ...VITESS,
    says: 'A vtgate that is about to stop answers pings and statements outside of transactions with 1053',
    source: 'vitessServer',
    pool: 'replaces its connections',
  },
  'vitess-kill': {
    ...VITESS,
    says: 'vtgate refuses KILL by default (VT07001, 1095), and its connection numbers are its own',
    source: 'vitessErrorPage',
    pool: 'never sends KILL there: the caller has its error in time, and the connection is cut off',
  },
  'vitess-unsupported': {
    ...VITESS,
    says: 'Vitess answers statements that it does not support with errors (VT12001)',
    source: 'vitessErrorPage',
    pool: 'throws them as they are, and keeps the connection',
  },
  'planetscale-limits': {
    product: 'Vitess, PlanetScale',
    says: 'PlanetScale ends transactions after 20 s, SELECT after 900 s, and may end connections after 24 hours',
    source: 'planetScaleLimits',
    pool: 'replaces connections after 30 minutes by default',
  },
  'proxysql-greeting': {
    ...PROXYSQL,
    says: 'ProxySQL greets as 8.0.11 by default, and a SET that it does not know binds the session to one hostgroup: others are then refused (9006)',
    source: 'proxySqlThread',
    also: 'proxySqlSession',
    pool: 'sees that the connection’s number is another, and sends no SET of its own',
  },
  'proxysql-numbers': {
    ...PROXYSQL,
    says: 'ProxySQL’s connection numbers are its own, and it takes KILL for them',
    source: 'proxySqlSession',
    pool: 'never sends KILL there: the connection is cut off',
  },
  'proxysql-variables': {
    ...PROXYSQL,
    says: 'ProxySQL stops sharing a connection over which a statement with @ was sent',
    source: 'proxySqlMultiplexing',
    pool: 'sends none of its own while sessions stay clean',
  },
  'proxysql-no-server': {
    ...PROXYSQL,
    says: 'ProxySQL answers with 9001 when no server could be reached in time',
    source: 'proxySqlSession',
    pool: 'throws it as it is, and keeps the connection',
  },
  'proxysql-lost-server': {
    ...PROXYSQL,
    says: 'ProxySQL answers with 2013 when its connection to the server was lost under a statement',
    source: 'proxySqlSession',
    pool: 'throws `POOL_CONNECTION_LOST`; answering a COMMIT, `POOL_COMMIT_UNKNOWN`',
  },
  'proxysql-full': {
    ...PROXYSQL,
    says: 'ProxySQL refuses clients above mysql-max_connections with 1040',
    source: 'proxySqlSession',
    pool: 'tells the callers who wait, and tries again soon',
  },
  'maxscale-greeting': {
    ...MAXSCALE,
    says: 'MaxScale greets with a version of its own choice, such as 10.11.2-MariaDB-RWsplit',
    source: 'maxScaleGuide',
    pool: 'works as on MariaDB',
  },
  'maxscale-no-primary': {
    ...MAXSCALE,
    says: 'MaxScale answers writes with 1290, as a read-only server does, while there is no primary',
    source: 'maxScaleSplit',
    pool: 'throws it, and replaces its connections',
  },
  'maxscale-closing': {
    ...MAXSCALE,
    says: 'MaxScale says 1927, “Connection killed by MaxScale”, without being asked when it closes a connection',
    source: 'maxScaleClient',
    pool: 'replaces the connection; a statement that was under way ends with `POOL_CONNECTION_LOST`, one that was not sent is run elsewhere',
  },
  'maxscale-full': {
    ...MAXSCALE,
    says: 'MaxScale greets with 1040 when it takes no more connections',
    source: 'maxScaleClient',
    pool: 'tells the callers who wait, and tries again soon',
  },
  'maxscale-sessions': {
    product: 'MaxScale',
    says: 'MaxScale repeats commands that change the session on every server, and remembers 50 of them',
    source: 'maxScaleRouter',
    also: 'maxScaleGuide',
    pool: 'sends one at the connection’s start under hygiene `auto`, and its resets',
  },
  'maxscale-kill': {
    product: 'MaxScale',
    says: 'MaxScale takes KILL for its own connections, and ignores a prepared one',
    source: 'maxScaleLimits',
    pool: 'sends it as a text, and only where the connection’s number and address agree',
  },
  'aurora-failover': {
    ...AURORA,
    says: 'After a fail-over Aurora’s old writer is a reader, and answers writes with 1290',
    source: 'auroraReadOnly',
    pool: 'throws that one error, replaces all connections, and resolves the name anew',
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
    says: 'RDS Proxy pins a connection whose session is changed, or which prepares statements',
    source: 'rdsPinning',
    pool: 'sends nothing of its own that changes the session or prepares, under hygiene `transaction`',
  },
  'rds-idle': {
    ...RDS_PROXY,
    says: 'RDS Proxy closes client connections that idle for 30 minutes',
    source: 'rdsConnections',
    pool: 'replaces such a connection: the next caller does not notice',
  },
  'rds-borrow': {
    ...RDS_PROXY,
    says: 'RDS Proxy answers with 9501 when no connection to the database came free in time',
    source: 'rdsTroubleshooting',
    pool: 'throws it as it is; at connecting, tells the callers who wait, and tries again soon',
  },
  'rds-tls': {
    ...RDS_PROXY,
    says: 'RDS Proxy can refuse plaintext with 3159',
    source: 'rdsTroubleshooting',
    pool: 'throws it at once: another try would not help',
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
