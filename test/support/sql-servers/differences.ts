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
    sentence: 'MariaDB can be configured to speak TLS 1.1; MySQL 9 knows 1.2 and 1.3 only.',
    servers: MARIADB,
  },
  flushSsl: {
    sentence: 'MariaDB reads its certificates again with FLUSH SSL; MySQL with ALTER INSTANCE RELOAD TLS.',
    servers: MARIADB,
  },
  showsAnyCertificate: {
    sentence: 'MariaDB shows any certificate that it is configured to read; MySQL refuses one that its own authority would not accept.',
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
  offlineMode: {
    sentence: 'MySQL has an offline mode; MariaDB has none.',
    servers: MYSQL,
  },
  blocksForDays: {
    sentence: 'MySQL blocks an account for days after failed logins (FAILED_LOGIN_ATTEMPTS); MariaDB does not know that.',
    servers: MYSQL,
  },
  maxPasswordErrors: {
    sentence: 'MariaDB blocks an account after failed logins until an operator helps (max_password_errors); MySQL does not know that.',
    servers: MARIADB,
  },
  saysThatPlaintextIsRefused: {
    sentence: 'MySQL says that it takes no login in plaintext (3159); MariaDB denies the access (1045).',
    servers: MYSQL,
  },
  refusesExpiredPasswords: {
    sentence: 'MySQL refuses a login whose password has expired (1862); MariaDB lets it in and refuses its statements (1820).',
    servers: MYSQL,
  },
  oneRoleAtATime: {
    sentence: 'MariaDB has one role active at a time, and SET DEFAULT ROLE … FOR; MySQL has any number, and SET DEFAULT ROLE … TO.',
    servers: MARIADB,
  },
  builtInSocketLogin: {
    sentence: 'MariaDB has the login by the system account built in (unix_socket); MySQL as a plugin (auth_socket).',
    servers: MARIADB,
  },
  noLoginPlugin: {
    sentence: 'MySQL has a plugin for accounts that no client can log in with (mysql_no_login); MariaDB 10.11 and 11.8 come without it.',
    servers: MYSQL,
  },
  delaysLogins: {
    sentence: 'MySQL can delay logins after failed ones (connection_control); MariaDB cannot.',
    servers: MYSQL,
  },
  takesProxyHeaders: {
    sentence: 'MariaDB takes the header of the PROXY protocol from configured networks; MySQL takes none.',
    servers: MARIADB,
  },
  routerShares: {
    sentence: 'MySQL Router shares connections to MySQL; one to MariaDB it closes at the first statement.',
    servers: MYSQL,
  },
  remembersPasswords: {
    sentence:
      'MySQL checks a password that it remembers without seeing it, and another only over TLS or with its key (caching_sha2_password); MariaDB never sees it.',
    servers: MYSQL,
  },
  xProtocol: {
    sentence: 'MySQL has a second port, for its X Protocol; MariaDB has none.',
    servers: MYSQL,
  },
} satisfies Readonly<Record<string, Difference>>;

/** A difference between servers. */
export type DifferenceName = keyof typeof DIFFERENCES;
