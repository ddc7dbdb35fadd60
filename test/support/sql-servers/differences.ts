import type { ServerKind } from './kinds.js';

interface Difference {
  /** What is so on these servers, and what the others do. */
  readonly sentence: string;
  readonly servers: readonly ServerKind[];
}

const MARIADB: readonly ServerKind[] = ['mariadb', 'mariadb-11.8'];
const MYSQL: readonly ServerKind[] = ['mysql'];

/** What servers do differently, as far as tests depend on it: each row is true of its servers and of no other. */
export const DIFFERENCES = {
  compoundStatements: {
    sentence: 'MariaDB runs compound statements outside of stored programs (BEGIN NOT ATOMIC); MySQL does not know them.',
    servers: MARIADB,
  },
  executeImmediate: {
    sentence: 'MariaDB runs a text with EXECUTE IMMEDIATE; MySQL has PREPARE and EXECUTE only.',
    servers: MARIADB,
  },
  replacesTemporaryTables: {
    sentence: 'MariaDB has CREATE OR REPLACE TEMPORARY TABLE; MySQL does not.',
    servers: MARIADB,
  },
  saysWhetherInTransaction: {
    sentence: 'MariaDB says in @@in_transaction whether a transaction is open; MySQL shows it to administrators only.',
    servers: MARIADB,
  },
  flushSsl: {
    sentence: 'MariaDB reads its certificates again with FLUSH SSL; MySQL with ALTER INSTANCE RELOAD TLS.',
    servers: MARIADB,
  },
  skipSsl: {
    sentence: 'MariaDB offers no TLS with --skip-ssl; MySQL with an empty --tls-version.',
    servers: MARIADB,
  },
  localFilesByDefault: {
    sentence: 'MariaDB takes LOAD DATA LOCAL by default; MySQL only with local_infile=ON.',
    servers: MARIADB,
  },
  dataLockWaits: {
    sentence: 'MySQL shows who waits for a lock in performance_schema.data_lock_waits; MariaDB in information_schema.INNODB_LOCK_WAITS.',
    servers: MYSQL,
  },
} satisfies Readonly<Record<string, Difference>>;

/** A difference between servers. */
export type DifferenceName = keyof typeof DIFFERENCES;
