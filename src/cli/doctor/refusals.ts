/** What the refusal of a login means, and what to do about it: the statement, or who can help. */

/** A refusal, in place of a greeting or as the answer to a login. */
export interface Refusal {
  readonly errno?: number | undefined;
  readonly code?: string | undefined;
  readonly message: string;
}

/** What is known of the login that was refused. */
export interface Attempt {
  readonly user: string | undefined;
  readonly database: string | undefined;
  readonly withPassword: boolean;
  readonly encrypted: boolean;
  /** A certificate of the client's was given. */
  readonly certified: boolean;
  /** The server said in its greeting that it takes TLS. */
  readonly offersTls: boolean;
  /** By its greeting: a proxy's own may say another. */
  readonly isMariaDb: boolean;
  /** MySQL Router greeted. */
  readonly isRouter: boolean;
}

type Advice = string | ((attempt: Attempt, message: string) => string);

/** A text as statements have it. */
function quoted(text: string | undefined): string {
  return `'${(text ?? '').replaceAll("'", "''")}'`;
}

/** The host part of an account is not known before the login. */
function account({ user }: Pick<Attempt, 'user'>): string {
  return `${quoted(user)}@'<host>'`;
}

function hostPart({ user }: Pick<Attempt, 'user'>): string {
  return `<host> is what SELECT host FROM mysql.user WHERE user = ${quoted(user)} shows.`;
}

/** Another way to log in, with a password, which this client knows on every server. */
function withPassword({ isMariaDb, ...attempt }: Attempt): string {
  const way = isMariaDb ? "VIA mysql_native_password USING PASSWORD('<password>')" : "WITH caching_sha2_password BY '<password>'";
  return `ALTER USER ${account(attempt)} IDENTIFIED ${way}`;
}

function unlock(attempt: Attempt): string {
  return `The account is locked; the password may be right. An administrator unlocks it: ALTER USER ${account(attempt)} ACCOUNT UNLOCK. ${hostPart(attempt)}`;
}

function newPassword(attempt: Attempt): string {
  return `ALTER USER ${account(attempt)} IDENTIFIED BY '<new password>'`;
}

const OFFLINE =
  'An administrator has put the server into offline mode: it lets only administrators in (CONNECTION_ADMIN). Wait, use another server, or have an administrator end it: SET GLOBAL offline_mode = OFF.';

const BEHIND =
  'A proxy answers, and it reaches no server behind it. See whether the servers that it leads to run, and what it says of them itself (MySQL Router and MaxScale: the log; ProxySQL: SELECT * FROM runtime_mysql_servers).';

/** MySQL's "Access denied" does not say what of the login was wrong. */
function accessDenied(attempt: Attempt, message: string): string {
  const { encrypted, certified, offersTls } = attempt;
  if (/ProxySQL Error/i.test(message)) {
    return 'ProxySQL itself refuses: it has a list of users of its own (SELECT username, active FROM mysql_users in its admin interface), with passwords that must be changed there, too.';
  }
  if (!attempt.withPassword)
    return 'No password was given, and the account has one; or the user name is wrong, or the account is for other hosts than this one.';
  const host = /@'([^']*)'/.exec(message)?.[1];
  const from = host === undefined ? '' : ` The server sees this client at '${host}'.`;
  if (/using password: NO/.test(message)) {
    return `A password was given, and the server did not take it: this account is not for logins (mysql_no_login), or logs in by something else. See SHOW CREATE USER ${account(attempt)} as an administrator.${from}`;
  }
  const causes = [
    'The user name or the password is wrong (in a URL, special characters of the password must be percent-encoded), or the account is for other hosts than this one.',
  ];
  if (!encrypted) {
    const how = offersTls ? ': ask for TLS, ?ssl-mode=VERIFY_IDENTITY with the CA in ?sslca=path' : ', but the server offers no TLS here';
    causes.push(
      `Or the account must log in over TLS (REQUIRE SSL), or every account must (MariaDB does not say so when require_secure_transport is on)${how}.`,
    );
  }
  if (!encrypted && attempt.isRouter) {
    causes.push(
      'Or MySQL Router cannot hand the password on: without TLS to it (client_ssl_mode), it logs in only accounts whose password the server has in its memory from an earlier login (caching_sha2_password).',
    );
  }
  if (!certified) causes.push('Or the account asks for a certificate of the client (REQUIRE X509): ?sslcert=path&sslkey=path.');
  causes.push(`SHOW CREATE USER ${account(attempt)} shows an administrator which.${from}`);
  return causes.join(' ');
}

const MAXIMUM = /exceeded the '(\w+)' resource/;

/** The message names the limit. */
function limitOfAccount(attempt: Attempt, message: string): string {
  const limit = MAXIMUM.exec(message)?.[1] ?? 'max_user_connections';
  if (limit === 'max_user_connections') {
    return `The account has as many connections as it may, all processes together. Lower connectionLimit, or have an administrator raise it: ALTER USER ${account(attempt)} WITH MAX_USER_CONNECTIONS <n> (0: no limit of its own). ${hostPart(attempt)}`;
  }
  const name = limit === 'max_questions' ? 'MAX_QUERIES_PER_HOUR' : limit.toUpperCase();
  return `The account has used up what it may do in an hour. It may again when the hour is over, or when an administrator raises it: ALTER USER ${account(attempt)} WITH ${name} <n> (0: no limit). ${hostPart(attempt)}`;
}

function notLoaded(attempt: Attempt, message: string): string {
  const plugin = /Plugin '([^']+)'/.exec(message)?.[1] ?? 'of the account';
  const gone =
    plugin === 'mysql_native_password' ? ' MySQL 8.4 does not load mysql_native_password by default, and MySQL 9 no longer has it.' : '';
  return `The account logs in by the plugin ${plugin}, which the server has not loaded.${gone} An administrator gives it another way: ${withPassword(attempt)}; or loads the plugin: INSTALL PLUGIN. ${hostPart(attempt)}`;
}

/** By the server's number. */
const BY_NUMBER: Readonly<Record<number, Advice>> = {
  1040: 'All of max_connections are taken. An administrator can still log in, by the connection that is kept for that, and see who holds them: SHOW PROCESSLIST. Then lower connectionLimit, or SET GLOBAL max_connections = <n>.',
  1042: 'The server wanted to know the name of this machine, and its DNS did not answer. Repair the reverse lookup, or start the server with skip_name_resolve (accounts then need addresses in place of names).',
  1043: 'The server did not understand the login: something on the way changes what is sent, or sends something before it, such as the header of the PROXY protocol.',
  1044: 'The account may not use this database, or there is none of this name: the server does not say which to accounts without rights. An administrator: SHOW DATABASES; SHOW GRANTS FOR the account.',
  1045: accessDenied,
  1049: ({ database }) =>
    `There is no database of this name on the server: check the path of the URL (SHOW DATABASES), or CREATE DATABASE \`${database ?? '…'}\`. Is it the right server?`,
  1053: 'The server is shutting down: wait until it is back.',
  1077: 'The server is shutting down: wait until it is back.',
  1079: 'The server is shutting down: wait until it is back.',
  1129: 'Too many connections broke off before their login, from this machine or from the proxy that stands in front. An administrator lets it in again: TRUNCATE TABLE performance_schema.host_cache (MariaDB, and MySQL before 8.4: FLUSH HOSTS). Then find out what breaks them: a health check that only opens the port, or a client that cannot do TLS (max_connect_errors).',
  1130: (attempt, message) =>
    `No account may log in from where the server sees this client${addressIn(message)}; behind a proxy, that is the proxy. An administrator adds one: CREATE USER ${quoted(attempt.user)}@'<this address, or %>' IDENTIFIED BY '<password>', and GRANT.`,
  1135: 'The server can start no thread for another connection: it is out of memory, or the system limits its threads. Its administrator must look.',
  1156: 'The server got something that is no login. A load balancer that sends the header of the PROXY protocol to a server that does not take it does this (MySQL takes none; MariaDB: proxy_protocol_networks): take send-proxy out of its configuration.',
  1203: 'This user has max_user_connections connections already, all processes together. Lower connectionLimit, or have an administrator raise it: SET GLOBAL max_user_connections = <n>.',
  1226: limitOfAccount,
  1251: (attempt) =>
    `The account logs in by a way that this client does not know. An administrator gives it another: ${withPassword(attempt)}. ${hostPart(attempt)}`,
  1275: (attempt) =>
    `The account has a password in the format of MySQL 4.0. An administrator sets it again: ${newPassword(attempt)}. ${hostPart(attempt)}`,
  1524: notLoaded,
  1698: (attempt) =>
    `The account logs in by the system account of the process (${attempt.isMariaDb ? 'unix_socket' : 'auth_socket'}): it takes no password, only the socket (socketPath) and a process of that name. Make an account with a password for the application; for this one, as an administrator: ${withPassword(attempt)}. ${hostPart(attempt)}`,
  1820: (attempt) =>
    `The password has expired: the login works, and every statement is refused until there is a new one. Log in as this account with a command-line client: SET PASSWORD = ${attempt.isMariaDb ? "PASSWORD('<new password>')" : "'<new password>'"}; or an administrator: ${newPassword(attempt)}. Then give the service the new one. ${hostPart(attempt)}`,
  1862: (attempt) =>
    `The password has expired, so the right one is refused, too. An administrator gives a new one: ${newPassword(attempt)}, or ends the expiry: ALTER USER ${account(attempt)} PASSWORD EXPIRE NEVER. ${hostPart(attempt)}`,
  2002: BEHIND,
  2003: BEHIND,
  2005: BEHIND,
  2013: BEHIND,
  3032: OFFLINE,
  3118: unlock,
  3159: ({ offersTls }) =>
    `The server takes no login in plaintext (require_secure_transport)${offersTls ? '' : ', and offers no TLS here, so its administrator must look at its certificate'}: ask for TLS, ?ssl-mode=VERIFY_IDENTITY with the CA in ?sslca=path. Leaving out ssl=false is enough where the CA is a public one and the host is not this machine.`,
  3168: 'The server is not ready for clients: wait.',
  3879: 'The account may not use this database. An administrator: SHOW GRANTS FOR the account.',
  3955: (attempt) =>
    `Too many logins with a wrong password have blocked the account (FAILED_LOGIN_ATTEMPTS), and now the right one is refused, too. It ends by itself after the days that the message names, or when an administrator ends it: ALTER USER ${account(attempt)} ACCOUNT UNLOCK. Then find out who still has the old password. ${hostPart(attempt)}`,
  4055: 'The account logs in by a device that must be registered first: it is for people. Make an account with a password for the application.',
  4150: (attempt) =>
    `Too many logins with a wrong password have blocked the account (max_password_errors), and now the right one is refused, too. An administrator ends it: FLUSH PRIVILEGES, or ${newPassword(attempt)}. Then find out who still has the old password. ${hostPart(attempt)}`,
  4151: unlock,
  6126: (attempt) =>
    `The account stands for another one, and may not. An administrator: GRANT PROXY ON '<that account>'@'<host>' TO ${account(attempt)}. ${hostPart(attempt)}`,
  6127: 'The account stands for another one that is not there: an administrator creates that one, or corrects the mapping of the authentication plugin.',
  6400: OFFLINE,
  6401: OFFLINE,
  6444: "MySQL's firewall refuses the account: an administrator looks at its rules.",
  9001: BEHIND,
};

/** By mysql2's code or Node's, with the words that belong to it. */
const BY_CODE: Readonly<Record<string, Advice>> = {
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: ({ encrypted }) =>
    `The account logs in by IAM, PAM or LDAP, which need the password itself: enableCleartextPlugin: true in code${encrypted ? '' : ', and only over verified TLS'}.`,
  HANDSHAKE_NO_SSL_SUPPORT:
    'TLS is asked for, and this server has none, although the one that was asked before offered it: are there several behind this address?',
  PROTOCOL_CONNECTION_LOST:
    'The server greeted, and closed the connection at the login. A proxy whose server is gone does this, and a server that is stopping; see the log of either.',
  ECONNRESET:
    'The server greeted, and cut the connection at the login. A proxy whose server is gone does this, and a server that was killed; see the log of either.',
  ETIMEDOUT:
    "The server greeted, and did not answer the login. After failed logins, MySQL answers each later if connection_control is installed (its log; SHOW VARIABLES LIKE 'connection_control%'): wait, and stop the client that logs in with the wrong password. A proxy waits so for a server that is frozen. LDAP and PAM may wait for their directory.",
};

function addressIn(message: string): string {
  const host = /Host '([^']*)'/.exec(message)?.[1];
  return host === undefined ? '' : ` ('${host}')`;
}

/** mysql2's words when the connection went between the login and the first statement; where the system notices it first, it is EPIPE. */
const CLOSED_AFTER_LOGIN = /connection is in closed state/;

const UNKNOWN_PLUGIN = /authentication using unknown plugin (\S+?)\.? /;

/** What to do about a refusal. `undefined`: it is none that is known here. */
export function adviceOn({ errno, code, message }: Refusal, attempt: Attempt): string | undefined {
  const plugin = UNKNOWN_PLUGIN.exec(message)?.[1];
  if (plugin !== undefined) {
    return `The account logs in by ${plugin}, which mysql2 does not know: give it one in authPlugins, or have an administrator change the account: ${withPassword(attempt)}. ${hostPart(attempt)}`;
  }
  if (CLOSED_AFTER_LOGIN.test(message) || code === 'EPIPE') {
    return 'The login was accepted, and the connection closed at the first statement: see the log of the server, or of the proxy in front of it. MySQL Router does this where it shares connections to a server that does not track sessions as MySQL does.';
  }
  const advice = errno !== undefined && errno > 0 ? BY_NUMBER[errno] : BY_CODE[code ?? ''];
  return typeof advice === 'function' ? advice(attempt, message) : advice;
}
