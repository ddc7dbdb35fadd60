/** Recognises the kind of a server or proxy by its version text. */

/** What answers, and where its manuals differ. */
export interface ServerKind {
  readonly kind:
    | 'MySQL'
    | 'MariaDB'
    | 'TiDB'
    | 'Aurora MySQL'
    | 'MySQL Router'
    | 'ProxySQL'
    | "ProxySQL's admin interface"
    | 'MaxScale'
    | 'RDS Proxy'
    | 'Vitess'
    | 'PlanetScale';
  /** As the server says it. */
  readonly version: string;
  /** It stands in front of servers. */
  readonly isProxy: boolean;
  /** What follows for a pool. */
  readonly note?: string;
  /** What a proxy takes away, by its documents. */
  readonly takes?: string;
}

export interface KindHints {
  /** The version in the greeting: a proxy's own. */
  readonly greeting: string;
  /** The name that was connected to. Default: none. */
  readonly host?: string;
  /** What `SELECT VERSION()` says: the server's behind a proxy. */
  readonly version: string;
  readonly versionComment: string;
  readonly auroraVersion?: string | undefined;
}

const BEHIND_PROXY =
  'The max_connections and timeouts below are those of the server behind it. The limits of the proxy itself apply to this pool.';

const VITESS = {
  isProxy: true,
  note: 'vtgate pools its own connections to the servers. Session state pins one of these connections. The timeout of vtgate ends statements.',
  takes:
    'vtgate accepts the logins itself and has its own connection numbers. Before version 18, it does not support KILL. A transaction over several shards is not one snapshot. vtgate refuses statements that it does not support.',
} as const;

/** RDS Proxy's endpoints: name.proxy-id.region.rds.amazonaws.com. */
const RDS_PROXY = /\.proxy-[^.]+\.[^.]+\.rds\.amazonaws\.com(\.cn)?$/i;

/** Proxies, by the words in which they name themselves, or by the name of their endpoint. The first that fits. */
const PROXIES: readonly (readonly [fits: (words: string, host: string) => boolean, what: Omit<ServerKind, 'version'>])[] = [
  [
    (words) => /proxysql admin/i.test(words),
    {
      kind: "ProxySQL's admin interface",
      isProxy: true,
      note: 'It answers only statements about ProxySQL, from its own database. Applications connect to the other port (6033 by default).',
      takes: 'Statements on this port do not reach a server. Connect to port 6033.',
    },
  ],
  [
    (words) => /proxysql/i.test(words),
    {
      kind: 'ProxySQL',
      isProxy: true,
      note: `${BEHIND_PROXY} See mysql-max_connections and mysql-wait_timeout in its admin interface. It uses its own connection numbers for KILL.`,
      takes:
        'It shares connections between clients after each statement. It keeps one for a client while a transaction, LOCK TABLES, GET_LOCK() or a variable (@) needs it; for other state, put the statements into one transaction. It has its own users and passwords.',
    },
  ],
  [
    (words) => /maxscale/i.test(words),
    {
      kind: 'MaxScale',
      isProxy: true,
      note: BEHIND_PROXY,
      takes:
        'With readwritesplit, reads go to replicas, which may be behind, and statements that set up a session go to all servers. It has its own connection numbers.',
    },
  ],
  [(words) => /planetscale/i.test(words), { kind: 'PlanetScale', ...VITESS }],
  [(words) => /vitess/i.test(words), { kind: 'Vitess', ...VITESS }],
  [
    (words) => /-router\b/i.test(words),
    {
      kind: 'MySQL Router',
      isProxy: true,
      note: BEHIND_PROXY,
      takes:
        'It gives every client the connection number 0, so no KILL can stop a statement. With connection_sharing, statements that depend on earlier ones (LAST_INSERT_ID(), FOUND_ROWS()) must be in one transaction. A connection with user variables, temporary tables, or prepared statements is not shared. In passthrough (client_ssl_mode = PASSTHROUGH), nothing is lost.',
    },
  ],
  [
    (_words, host) => RDS_PROXY.test(host),
    {
      kind: 'RDS Proxy',
      isProxy: true,
      note: `${BEHIND_PROXY} Its idle client timeout (1800 s by default) must be above keepaliveInterval.`,
      takes:
        'It shares connections between clients after each transaction, and pins a connection to its client when it sees state that it cannot move: SET of most variables, user variables, temporary tables, locks, prepared statements, statements above 16 KB. It does not share a pinned connection.',
    },
  ],
];

/** The kind, by the words in which servers and proxies name themselves. */
export function kindOf({ greeting, host = '', version, versionComment, auroraVersion }: KindHints): ServerKind {
  const words = `${greeting} ${version} ${versionComment}`;
  const proxy = PROXIES.find(([fits]) => fits(words, host))?.[1];
  if (proxy !== undefined) return { ...proxy, version };
  if (/tidb/i.test(words)) {
    return {
      kind: 'TiDB',
      version,
      isProxy: false,
      note: 'A transaction may fail at COMMIT; pool.transaction() then runs it again. TiDB Cloud cuts connections after 30 minutes, so maxLifetime is 5 minutes there by default.',
    };
  }
  if (auroraVersion !== undefined) {
    return {
      kind: 'Aurora MySQL',
      version: `${version} (Aurora ${auroraVersion})`,
      isProxy: false,
      note: 'Connect to the cluster endpoint for writes. After a fail-over, its name leads to the old writer for some seconds. The old writer refuses writes, and the pool replaces such connections.',
    };
  }
  return { kind: /mariadb/i.test(words) ? 'MariaDB' : 'MySQL', version, isProxy: false };
}
