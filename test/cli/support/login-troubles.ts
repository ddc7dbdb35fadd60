/** Logins that are refused: how to bring each about, what the doctor says of it, and the statement in its advice that helps. */
import { type Connection, createConnection } from 'mysql2/promise';
import type { TestDatabase } from '../../support/servers/database.js';
import type { DifferenceName } from '../../support/sql-servers/differences.js';
import { differs } from '../../support/sql-servers/this-server.js';

/** A database whose account is refused. */
export interface Patient {
  readonly database: TestDatabase;
  /** As statements have it. */
  readonly account: string;
  /** A session of the administrator's that was there before. */
  readonly admin: Connection;
}

/** One refusal. */
export interface Trouble {
  readonly name: string;
  readonly only?: DifferenceName;
  readonly make: (patient: Patient) => Promise<unknown>;
  readonly errno: number | (() => number);
  /** In the advice. */
  readonly says: RegExp;
  /** The statement in the advice that an administrator runs, and that helps. */
  readonly cure?: RegExp;
  /** Undoes what concerns the whole server. */
  readonly clear?: (patient: Patient) => Promise<unknown>;
  /** The pool tries again by itself. */
  readonly passes?: true;
  /** On a server that does the opposite of its default with expired passwords. */
  readonly onStricter?: true;
}

const failedLogin = ({ database }: Patient): Promise<unknown> =>
  createConnection({ ...database.connection, password: 'of yesterday' }).catch(() => undefined);

/** All that can be done to the servers of the tests. */
export const TROUBLES: readonly Trouble[] = [
  {
    name: 'a locked account',
    make: ({ admin, account }) => admin.query(`ALTER USER ${account} ACCOUNT LOCK`),
    errno: () => (differs('lockedAccountIs4151') ? 4151 : 3118),
    says: /The account is locked\. The password may be correct/,
    cure: /ALTER USER \S+ ACCOUNT UNLOCK/,
  },
  {
    name: 'an expired password, as the server has it by default',
    make: ({ admin, account }) => admin.query(`ALTER USER ${account} PASSWORD EXPIRE`),
    errno: () => (differs('refusesExpiredPasswords') ? 1862 : 1820),
    says: /The password has expired/,
    cure: /ALTER USER \S+ IDENTIFIED BY '<new password>'/,
  },
  {
    name: 'an expired password, in the other way of the server',
    onStricter: true,
    make: ({ admin, account }) => admin.query(`ALTER USER ${account} PASSWORD EXPIRE`),
    errno: () => (differs('refusesExpiredPasswords') ? 1820 : 1862),
    says: /The password has expired/,
    cure: /ALTER USER \S+ IDENTIFIED BY '<new password>'/,
  },
  {
    name: 'a server that takes no plaintext',
    make: ({ admin }) => admin.query('SET GLOBAL require_secure_transport = 1'),
    errno: () => (differs('saysThatPlaintextIsRefused') ? 3159 : 1045),
    says: /require_secure_transport.*ask for TLS, \?ssl-mode=VERIFY_IDENTITY/,
    clear: ({ admin }) => admin.query('SET GLOBAL require_secure_transport = 0'),
  },
  {
    name: 'an account that must use TLS (REQUIRE SSL)',
    make: ({ admin, account }) => admin.query(`ALTER USER ${account} REQUIRE SSL`),
    errno: 1045,
    says: /must use TLS \(REQUIRE SSL\).*The server sees this client at '127\.0\.0\.1'/,
  },
  {
    name: 'offline mode',
    only: 'offlineMode',
    make: ({ admin }) => admin.query('SET GLOBAL offline_mode = 1'),
    errno: 3032,
    says: /only administrators \(CONNECTION_ADMIN\) may log in/,
    cure: /SET GLOBAL offline_mode = OFF/,
    passes: true,
  },
  {
    name: 'an account that is blocked for days',
    only: 'blocksForDays',
    make: async (patient) => {
      await patient.admin.query(`ALTER USER ${patient.account} FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 2`);
      await failedLogin(patient);
    },
    errno: 3955,
    says: /FAILED_LOGIN_ATTEMPTS.*the server now refuses even the correct password/,
    cure: /ALTER USER \S+ ACCOUNT UNLOCK/,
  },
  {
    name: 'an account that is blocked until an operator helps',
    only: 'maxPasswordErrors',
    make: async (patient) => {
      await patient.admin.query('SET GLOBAL max_password_errors = 1');
      await failedLogin(patient);
    },
    errno: 4150,
    says: /max_password_errors.*the server now refuses even the correct password/,
    cure: /FLUSH PRIVILEGES/,
    clear: ({ admin }) => admin.query('SET GLOBAL max_password_errors = DEFAULT'),
  },
  {
    name: 'as many connections as the account may have',
    make: async ({ admin, account, database }) => {
      await admin.query(`ALTER USER ${account} WITH MAX_USER_CONNECTIONS 1`);
      await createConnection(database.connection);
    },
    errno: 1226,
    says: /reached its limit of connections, over all processes/,
    cure: /ALTER USER \S+ WITH MAX_USER_CONNECTIONS <n>/,
    passes: true,
  },
  {
    name: 'the connections of an hour',
    make: async ({ admin, account, database }) => {
      await admin.query(`ALTER USER ${account} WITH MAX_CONNECTIONS_PER_HOUR 1`);
      await (await createConnection(database.connection)).end();
    },
    errno: 1226,
    says: /has reached its hourly limit/,
    cure: /ALTER USER \S+ WITH MAX_CONNECTIONS_PER_HOUR <n>/,
    passes: true,
  },
  {
    name: 'the statements of an hour',
    make: async ({ admin, account, database }) => {
      await admin.query(`ALTER USER ${account} WITH MAX_QUERIES_PER_HOUR 1`);
      await using connection = await createConnection(database.connection);
      await connection.query('SELECT 1').catch(() => undefined);
    },
    errno: 1226,
    says: /has reached its hourly limit/,
    cure: /ALTER USER \S+ WITH MAX_QUERIES_PER_HOUR <n>/,
  },
  {
    name: 'a login by the system account',
    make: async ({ admin, account }) => {
      if (!differs('builtInSocketLogin')) await admin.query("INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'");
      await admin.query(`ALTER USER ${account} IDENTIFIED ${differs('builtInSocketLogin') ? 'VIA unix_socket' : 'WITH auth_socket'}`);
    },
    errno: 1698,
    says: /accepts no password, only the socket/,
    cure: /ALTER USER \S+ IDENTIFIED (VIA|WITH) [^;.]+'<password>'\)?/,
    clear: async ({ admin }) => {
      if (!differs('builtInSocketLogin')) await admin.query('UNINSTALL PLUGIN auth_socket');
    },
  },
  {
    name: 'a plugin that is no longer there',
    make: async ({ admin, database }) => {
      await admin.query(
        differs('oneRoleAtATime')
          ? `UPDATE mysql.global_priv SET Priv = JSON_SET(Priv, '$.plugin', 'gone') WHERE User = ?`
          : `UPDATE mysql.user SET plugin = 'mysql_native_password' WHERE User = ?`,
        [database.user],
      );
      await admin.query('FLUSH PRIVILEGES');
    },
    errno: 1524,
    says: /plugin (gone|mysql_native_password), which the server has not loaded/,
    cure: /ALTER USER \S+ IDENTIFIED (VIA|WITH) [^;.]+'<password>'\)?/,
  },
  {
    name: 'an account whose plugin refuses every login',
    only: 'noLoginPlugin',
    make: async ({ admin, account }) => {
      await admin.query("INSTALL PLUGIN mysql_no_login SONAME 'mysql_no_login.so'");
      await admin.query(`ALTER USER ${account} IDENTIFIED WITH mysql_no_login`);
    },
    errno: 1045,
    says: /You gave a password, but the server did not use it\. This account does not allow logins/,
    clear: ({ admin }) => admin.query('UNINSTALL PLUGIN mysql_no_login'),
  },
  {
    name: 'no right on the database, and which databases there are',
    make: ({ admin, account, database }) => admin.query(`REVOKE ALL ON ${database.database}.* FROM ${account}`),
    errno: 1044,
    says: /There is no database of this name, or 'user_\w+'@'%' has no privilege on it.*The account may use: none/,
    cure: /GRANT SELECT, INSERT, UPDATE, DELETE ON \S+ TO '\w+'@'%'/,
  },
  {
    name: 'a role that has the right, and is not active',
    make: async ({ admin, account, database }) => {
      const role = `role_${database.user}`;
      await admin.query(`CREATE ROLE ${role}`);
      await admin.query(`GRANT ALL ON ${database.database}.* TO ${role}`);
      await admin.query(`REVOKE ALL ON ${database.database}.* FROM ${account}`);
      await admin.query(`GRANT ${role} TO ${account}`);
    },
    errno: 1044,
    says: /has the privilege through a role that is not active at login \(`role_user_\w+`/,
    cure: /SET DEFAULT ROLE .+? (TO|FOR) '\w+'@'%'/,
    clear: ({ admin, database }) => admin.query(`DROP ROLE role_${database.user}`),
  },
];
