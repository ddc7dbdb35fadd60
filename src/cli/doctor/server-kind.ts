/** Recognises the kind of a server or proxy by its version text. */

/** What answers, and where its manuals differ. */
export interface ServerKind {
  readonly kind: 'MySQL' | 'MariaDB' | 'TiDB' | 'Aurora MySQL' | 'ProxySQL' | 'MaxScale' | 'Vitess' | 'PlanetScale';
  /** As the server says it. */
  readonly version: string;
  /** What follows for a pool. */
  readonly note?: string;
}

export interface KindHints {
  /** The version in the greeting: a proxy's own. */
  readonly greeting: string;
  /** What `SELECT VERSION()` says: the server's behind a proxy. */
  readonly version: string;
  readonly versionComment: string;
  readonly auroraVersion?: string | undefined;
}

const BEHIND_PROXY = 'max_connections and timeouts below are those of the server behind it; its own limits count for this pool.';

/** The kind, by the words in which servers and proxies name themselves. */
export function kindOf({ greeting, version, versionComment, auroraVersion }: KindHints): ServerKind {
  const words = `${greeting} ${version} ${versionComment}`;
  if (/proxysql/i.test(words)) {
    return {
      kind: 'ProxySQL',
      version,
      note: `${BEHIND_PROXY} See mysql-max_connections and mysql-wait_timeout in its admin interface; statements are killed by connection numbers of its own.`,
    };
  }
  if (/maxscale/i.test(words)) return { kind: 'MaxScale', version, note: BEHIND_PROXY };
  if (/planetscale/i.test(words)) return { kind: 'PlanetScale', version, note: VITESS_NOTE };
  if (/vitess/i.test(words)) return { kind: 'Vitess', version, note: VITESS_NOTE };
  if (/tidb/i.test(words)) {
    return {
      kind: 'TiDB',
      version,
      note: 'Transactions may fail at COMMIT and are then run again by pool.transaction(); TiDB Cloud cuts connections after 30 minutes, so there maxLifetime is 5 minutes by default.',
    };
  }
  if (auroraVersion !== undefined) {
    return {
      kind: 'Aurora MySQL',
      version: `${version} (Aurora ${auroraVersion})`,
      note: 'Connect to the cluster endpoint for writes; after a fail-over its name leads to the old writer for some seconds, which then answers read-only: the pool replaces such connections.',
    };
  }
  if (/mariadb/i.test(words)) return { kind: 'MariaDB', version };
  return { kind: 'MySQL', version };
}

const VITESS_NOTE =
  'vtgate pools its own connections to the servers: session state pins one of them, and statements are stopped by its own timeout.';
