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
  saysWhyItLeaves: {
    sentence: 'MySQL says why it closes a connection that was idle (4031); MariaDB closes it without a word.',
    servers: MYSQL,
  },
  compoundStatements: {
    sentence: 'MariaDB runs compound statements outside of stored programs (BEGIN NOT ATOMIC); MySQL does not know them.',
    servers: MARIADB,
  },
  executesImmediately: {
    sentence: 'MariaDB runs a text with EXECUTE IMMEDIATE; MySQL has PREPARE and EXECUTE only.',
    servers: MARIADB,
  },
  replacesTemporaryTables: {
    sentence: 'MariaDB has CREATE OR REPLACE TEMPORARY TABLE; MySQL does not.',
    servers: MARIADB,
  },
  preparesMore: {
    sentence: 'MariaDB prepares USE and START TRANSACTION; MySQL refuses both as prepared statements.',
    servers: MARIADB,
  },
  runsItsOwnComments: {
    sentence: 'MariaDB runs what is in comments that begin with /*M!; to MySQL they are comments.',
    servers: MARIADB,
  },
  oldTlsVersions: {
    sentence: 'MariaDB can be told to speak TLS 1.1; MySQL 9 knows 1.2 and 1.3 only.',
    servers: MARIADB,
  },
  flushSsl: {
    sentence: 'MariaDB reads its certificates again with FLUSH SSL; MySQL with ALTER INSTANCE RELOAD TLS.',
    servers: MARIADB,
  },
  showsAnyCertificate: {
    sentence: 'MariaDB shows any certificate when it is told to read it; MySQL refuses one that its own authority would not accept.',
    servers: MARIADB,
  },
  lockedAccountIs4151: {
    sentence: 'MariaDB refuses a locked account with error 4151; MySQL with 3118.',
    servers: MARIADB,
  },
  skipSsl: {
    sentence: 'MariaDB offers no TLS with --skip-ssl; MySQL with an empty --tls-version.',
    servers: MARIADB,
  },
  crashesOnTransactionsInWrites: {
    sentence: 'MariaDB crashes when a trigger, or a function that a write calls, sets the characteristics of transactions; MySQL does not.',
    servers: MARIADB,
  },
  ownJsonText: {
    sentence: 'MySQL stores JSON as values and gives a text of its own, with blanks; MariaDB gives the text that it was given.',
    servers: MYSQL,
  },
  namesTableOfKey: {
    sentence: 'MySQL names a key in messages with its table (t.PRIMARY); MariaDB without (PRIMARY).',
    servers: MYSQL,
  },
  mysqlsOwn: {
    sentence: 'Logins by caching_sha2 and sha256, offline_mode, super_read_only, VECTOR_TO_STRING and query attributes are MySQL’s.',
    servers: MYSQL,
  },
  dataLockWaits: {
    sentence: 'MySQL shows who waits for a lock in performance_schema.data_lock_waits; MariaDB in information_schema.INNODB_LOCK_WAITS.',
    servers: MYSQL,
  },
} satisfies Readonly<Record<string, Difference>>;

/** A difference between servers. */
export type DifferenceName = keyof typeof DIFFERENCES;
