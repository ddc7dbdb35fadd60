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
  return `For <host>, see SELECT host FROM mysql.user WHERE user = ${quoted(user)} shows.`;
}

/** Another way to log in, with a password, which this client knows on every server. */
function withPassword({ isMariaDb, ...attempt }: Attempt): string {
  const way = isMariaDb ? "VIA mysql_native_password USING PASSWORD('<password>')" : "WITH caching_sha2_password BY '<password>'";
  return `ALTER USER ${account(attempt)} IDENTIFIED ${way}`;
}

function unlock(attempt: Attempt): string {
  return `The account is locked. The password may be correct. An administrator can unlock the account: ALTER USER ${account(attempt)} ACCOUNT UNLOCK. ${hostPart(attempt)}`;
}

function newPassword(attempt: Attempt): string {
  return `ALTER USER ${account(attempt)} IDENTIFIED BY '<new password>'`;
}

const OFFLINE =
  'An administrator has put the server into offline mode: only administrators (CONNECTION_ADMIN) may log in. Wait, use another server, or ask an administrator to end offline mode: SET GLOBAL offline_mode = OFF.';

const BEHIND =
  'A proxy answers, but it cannot reach a server behind it. Check whether those servers run, and what the proxy reports about them (MySQL Router and MaxScale: the log; ProxySQL: SELECT * FROM runtime_mysql_servers).';

/** MySQL's "Access denied" does not say what of the login was wrong. */
function accessDenied(attempt: Attempt, message: string): string {
  const { encrypted, certified, offersTls } = attempt;
  if (/ProxySQL Error/i.test(message)) {
    return 'ProxySQL itself refuses the login. It has its own list of users (SELECT username, active FROM mysql_users in its admin interface). When you change a password, change it there, too.';
  }
  if (!attempt.withPassword)
    return 'You gave no password, but the account has one. Or the user name is wrong, or the account is for other hosts.';
  const host = /@'([^']*)'/.exec(message)?.[1];
  const from = host === undefined ? '' : ` The server sees this client at '${host}'.`;
  if (/using password: NO/.test(message)) {
    return `You gave a password, but the server did not use it. This account does not allow logins (mysql_no_login), or uses another login method. As an administrator, run SHOW CREATE USER ${account(attempt)}.${from}`;
  }
  const causes = [
    'The user name or the password is wrong (in a URL, percent-encode special characters of the password), or the account is for other hosts.',
  ];
  if (!encrypted) {
    const how = offersTls ? ': ask for TLS, ?ssl-mode=VERIFY_IDENTITY with the CA in ?sslca=path' : ', but the server offers no TLS here';
    causes.push(
      `Or the account must use TLS (REQUIRE SSL), or all accounts must (on MariaDB, the message does not mention require_secure_transport)${how}.`,
    );
  }
  if (!encrypted && attempt.isRouter) {
    causes.push(
      'Or MySQL Router cannot forward the password. Without TLS to the router (client_ssl_mode), it can only log in accounts whose password the server has cached from an earlier login (caching_sha2_password).',
    );
  }
  if (!certified) causes.push('Or the account requires a client certificate (REQUIRE X509): ?sslcert=path&sslkey=path.');
  causes.push(`An administrator can find out which: SHOW CREATE USER ${account(attempt)}.${from}`);
  return causes.join(' ');
}

const MAXIMUM = /exceeded the '(\w+)' resource/;

/** The message names the limit. */
function limitOfAccount(attempt: Attempt, message: string): string {
  const limit = MAXIMUM.exec(message)?.[1] ?? 'max_user_connections';
  if (limit === 'max_user_connections') {
    return `The account has reached its limit of connections, over all processes. Lower connectionLimit, or ask an administrator to raise the account's limit: ALTER USER ${account(attempt)} WITH MAX_USER_CONNECTIONS <n> (0: no limit for this account). ${hostPart(attempt)}`;
  }
  const name = limit === 'max_questions' ? 'MAX_QUERIES_PER_HOUR' : limit.toUpperCase();
  return `The account has reached its hourly limit. Wait until the hour is over, or ask an administrator to raise the limit: ALTER USER ${account(attempt)} WITH ${name} <n> (0: no limit). ${hostPart(attempt)}`;
}

function notLoaded(attempt: Attempt, message: string): string {
  const plugin = /Plugin '([^']+)'/.exec(message)?.[1] ?? 'of the account';
  const gone =
    plugin === 'mysql_native_password' ? ' MySQL 8.4 does not load mysql_native_password by default, and MySQL 9 no longer has it.' : '';
  return `The account logs in with the plugin ${plugin}, which the server has not loaded.${gone} An administrator can change the account's login: ${withPassword(attempt)}; or load the plugin: INSTALL PLUGIN. ${hostPart(attempt)}`;
}

/** By the server's number. */
const BY_NUMBER: Readonly<Record<number, Advice>> = {
  1040: 'All of max_connections are in use. An administrator can still log in over the connection that the server reserves, and see who holds the others: SHOW PROCESSLIST. Then lower connectionLimit, or SET GLOBAL max_connections = <n>.',
  1042: 'The server tried to look up the name of this machine, and its DNS did not answer. Fix the reverse lookup, or start the server with skip_name_resolve (accounts then need addresses instead of names).',
  1043: 'The server did not understand the login. Something on the way changes the data, or sends something before it, such as a PROXY protocol header.',
  1044: 'The account may not use this database, or no database has this name. To an account without privileges, the server does not report which of the two it is. An administrator can check: SHOW DATABASES; SHOW GRANTS FOR the account.',
  1045: accessDenied,
  1049: ({ database }) =>
    `There is no database of this name on the server: check the path of the URL (SHOW DATABASES), or CREATE DATABASE \`${database ?? '…'}\`. Is it the right server?`,
  1053: 'The server is shutting down. Wait until it is back.',
  1077: 'The server is shutting down. Wait until it is back.',
  1079: 'The server is shutting down. Wait until it is back.',
  1129: 'Too many connections from this machine, or from the proxy in front of the server, ended before the login (max_connect_errors). An administrator can unblock the host: TRUNCATE TABLE performance_schema.host_cache (MariaDB, and MySQL before 8.4: FLUSH HOSTS). Then find the cause: a health check that only opens the port, or a client that does not support TLS.',
  1130: (attempt, message) =>
    `No account may log in from the address at which the server sees this client${addressIn(message)}. Behind a proxy, this is the proxy's address. An administrator can add an account: CREATE USER ${quoted(attempt.user)}@'<this address, or %>' IDENTIFIED BY '<password>', and GRANT.`,
  1135: 'The server cannot start a thread for another connection. It is out of memory, or the system limits its threads. Ask its administrator to check.',
  1156: 'The server received something other than a login. A load balancer may send a PROXY protocol header that the server does not accept (MySQL accepts none; MariaDB: proxy_protocol_networks). Remove send-proxy from the configuration of the load balancer.',
  1203: 'This user already has max_user_connections connections, over all processes. Lower connectionLimit, or ask an administrator to raise the limit: SET GLOBAL max_user_connections = <n>.',
  1226: limitOfAccount,
  1251: (attempt) =>
    `The account uses a login method that this client does not know. An administrator can change it: ${withPassword(attempt)}. ${hostPart(attempt)}`,
  1275: (attempt) =>
    `The account's password is in the format of MySQL 4.0. An administrator can set it again: ${newPassword(attempt)}. ${hostPart(attempt)}`,
  1524: notLoaded,
  1698: (attempt) =>
    `The account logs in by the system account of the process (${attempt.isMariaDb ? 'unix_socket' : 'auth_socket'}). It accepts no password, only the socket (socketPath) and a process that runs under that name. Create an account with a password for the application, or, as an administrator, change this one: ${withPassword(attempt)}. ${hostPart(attempt)}`,
  1820: (attempt) =>
    `The password has expired. The login works, but the server refuses every statement until the account has a new password. Log in as this account with a command-line client, and run SET PASSWORD = ${attempt.isMariaDb ? "PASSWORD('<new password>')" : "'<new password>'"}; or ask an administrator to run ${newPassword(attempt)}. Then give the new password to the service. ${hostPart(attempt)}`,
  1862: (attempt) =>
    `The password has expired, so the server refuses even the correct password. An administrator can set a new one: ${newPassword(attempt)}, or end the expiry: ALTER USER ${account(attempt)} PASSWORD EXPIRE NEVER. ${hostPart(attempt)}`,
  2002: BEHIND,
  2003: BEHIND,
  2005: BEHIND,
  2013: BEHIND,
  3032: OFFLINE,
  3118: unlock,
  3159: ({ offersTls }) =>
    `The server accepts no login in plaintext (require_secure_transport)${offersTls ? '' : ', but offers no TLS here, so its administrator must check its certificate'}: ask for TLS, ?ssl-mode=VERIFY_IDENTITY with the CA in ?sslca=path. If the CA is public and the host is not this machine, it is enough to remove ssl=false.`,
  3168: 'The server is not ready for clients yet. Wait.',
  3879: 'The account may not use this database. An administrator can check: SHOW GRANTS FOR the account.',
  3955: (attempt) =>
    `Too many logins with a wrong password have blocked the account (FAILED_LOGIN_ATTEMPTS), and the server now refuses even the correct password. The block ends after the number of days in the message, or when an administrator ends it: ALTER USER ${account(attempt)} ACCOUNT UNLOCK. Then find the client that still has the old password. ${hostPart(attempt)}`,
  4055: 'The account logs in with a device that must be registered first. Such accounts are for people. Create an account with a password for the application.',
  4150: (attempt) =>
    `Too many logins with a wrong password have blocked the account (max_password_errors), and the server now refuses even the correct password. An administrator can end the block: FLUSH PRIVILEGES, or ${newPassword(attempt)}. Then find the client that still has the old password. ${hostPart(attempt)}`,
  4151: unlock,
  6126: (attempt) =>
    `The account is a proxy user for another account, but lacks the privilege. An administrator can grant it: GRANT PROXY ON '<that account>'@'<host>' TO ${account(attempt)}. ${hostPart(attempt)}`,
  6127: 'The account is a proxy user for an account that does not exist. Ask an administrator to create that account, or to correct the mapping of the authentication plugin.',
  6400: OFFLINE,
  6401: OFFLINE,
  6444: "MySQL's firewall refuses the account. Ask an administrator to check its rules.",
  9001: BEHIND,
};

/** By mysql2's code or Node's, with the words that belong to it. */
const BY_CODE: Readonly<Record<string, Advice>> = {
  MYSQL_CLEAR_PASSWORD_NOT_ENABLED: ({ encrypted }) =>
    `The account logs in with IAM, PAM, or LDAP, which need the password itself. Set enableCleartextPlugin: true in code${encrypted ? '' : ', and only over verified TLS'}.`,
  HANDSHAKE_NO_SSL_SUPPORT:
    'The options require TLS, but this server does not offer it, although the server of the previous connection did. Are there several servers behind this address?',
  PROTOCOL_CONNECTION_LOST:
    'The server greeted, and then closed the connection at the login. A proxy without a server behind it does this, and so does a server that is stopping. Check the log of each.',
  ECONNRESET:
    'The server greeted, and then cut the connection at the login. A proxy without a server behind it does this, and so does a server that was killed. Check the log of each.',
  ETIMEDOUT:
    "The server greeted, but did not answer the login. If connection_control is installed, MySQL delays each login after failed ones (see its log, and SHOW VARIABLES LIKE 'connection_control%'): wait, and stop the client that logs in with the wrong password. A proxy does not answer while its server is frozen. LDAP and PAM may be waiting for their directory.",
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
    return `The account logs in with ${plugin}, which mysql2 does not know. Set a plugin in authPlugins, or ask an administrator to change the account: ${withPassword(attempt)}. ${hostPart(attempt)}`;
  }
  if (CLOSED_AFTER_LOGIN.test(message) || code === 'EPIPE') {
    return 'The server accepted the login, and then the connection was closed at the first statement. Check the log of the server, or of the proxy in front of it. MySQL Router does this if it shares connections to a server that does not track sessions as MySQL does.';
  }
  const advice = errno !== undefined && errno > 0 ? BY_NUMBER[errno] : BY_CODE[code ?? ''];
  return typeof advice === 'function' ? advice(attempt, message) : advice;
}
