/** Steps login and privileges: logs in, and finds out what the account may do. */

import { messageOf, PoolError } from '../../engine/index.js';
import { createPool, type Pool, type PoolOptions, type ResolvedOptions } from '../../mysql/index.js';
import { type Askable, column, row } from './asking.js';
import { CannotContinue, type Finding } from './finding.js';
import { readGrants } from './grants.js';
import type { Greeting } from './greeting.js';
import { adviceOn, type Attempt, type Refusal } from './refusals.js';

type Report = (finding: Finding) => void;

/** A pool of one connection, made of the options that are examined. */
export function doctorsPool(target: string | undefined, options: PoolOptions, timeoutMs: number): Pool {
  return createPool(target, {
    ...options,
    name: 'doctor',
    // It looks at the fleet without being a member.
    fleet: false,
    connectionLimit: 1,
    minIdle: 0,
    maxIdle: 1,
    acquireTimeout: timeoutMs * 2,
    connectTimeout: timeoutMs,
  });
}

/** What is known of a login before it is tried. */
export function attemptOf({ endpoint, connection, credentials, tls }: ResolvedOptions, greeting: Greeting | undefined): Attempt {
  return {
    user: connection.user,
    database: endpoint.database,
    withPassword: credentials !== undefined || (connection.password ?? '') !== '',
    encrypted: tls.mode !== 'off',
    certified: tls.ssl?.cert !== undefined || tls.ssl?.pfx !== undefined,
    offersTls: greeting?.offersTls ?? false,
    isMariaDb: /mariadb/i.test(greeting?.version ?? ''),
    isRouter: /-router\b/i.test(greeting?.version ?? ''),
  };
}

/** The account may not use the database, or there is none of this name. */
const ABOUT_THE_DATABASE: ReadonlySet<number> = new Set([1044, 1049, 3879]);

/**
 * @param withoutDatabase a pool that logs in without a database, for a look around when the database is refused
 * @throws CannotContinue
 */
export async function logIn(
  pool: Pool,
  withoutDatabase: () => Pool,
  options: ResolvedOptions,
  greeting: Greeting,
  timeoutMs: number,
  report: Report,
): Promise<void> {
  try {
    await using session = await pool.getConnection();
    await session.ping();
    const [account] = await column(session, 'SELECT CURRENT_USER()');
    report({ step: 'login', status: 'ok', message: `logged in as ${account ?? 'an unknown account'}` });
  } catch (error) {
    const cause = (PoolError.is(error) && error.cause !== undefined ? error.cause : error) as Refusal;
    const { errno, code } = cause;
    const seen =
      errno !== undefined && ABOUT_THE_DATABASE.has(errno) && options.endpoint.database !== undefined
        ? await lookAround(withoutDatabase(), options.endpoint.database, attemptOf(options, greeting).isMariaDb).catch(() => undefined)
        : undefined;
    const number = errno !== undefined && errno > 0 ? ` (errno ${errno})` : '';
    report({
      step: 'login',
      status: 'fail',
      message: code === 'ETIMEDOUT' ? `no answer to the login within ${timeoutMs} ms` : `${messageOf(cause)}${number}`,
      advice:
        seen ??
        adviceOn({ errno, code, message: messageOf(cause) }, attemptOf(options, greeting)) ??
        'Look up this message in docs/troubleshooting.md, and check the log of the server.',
    });
    throw new CannotContinue();
  }
}

/** More names than this help no reader. */
const MOST_NAMES = 10;

/** Why an account may not use a database, as far as the account itself can see. */
async function lookAround(pool: Pool, database: string, isMariaDb: boolean): Promise<string | undefined> {
  await using session = await pool.getConnection();
  const roles = await inactiveRoles(session);
  const account = accountOf((await column(session, 'SELECT CURRENT_USER()'))[0] ?? '');
  for (const { set, names, lasting } of waysToActivate(roles, account, isMariaDb)) {
    const helps = await session
      .query(set)
      .then(
        () => session.query(`USE \`${database.replaceAll('`', '``')}\``).then(() => true),
        () => false,
      )
      .catch(() => false);
    if (helps) {
      return `The account has the privilege through a role that is not active at login (${names}). Activate the role at each login: ${lasting}, as this account or as an administrator${isMariaDb ? '' : ' (or, for all accounts, SET GLOBAL activate_all_roles_on_login = ON)'}.`;
    }
  }
  const visible = (await column(session, 'SHOW DATABASES')).filter((name) => !/^(information_schema|performance_schema)$/i.test(name));
  const others = visible.length === 0 ? 'none' : visible.slice(0, MOST_NAMES).join(', ');
  const near = visible.find((name) => name.toLowerCase() === database.toLowerCase());
  if (near !== undefined && near !== database) return `The database is called ${near}: on this server, names are case-sensitive.`;
  return `There is no database of this name, or ${account} has no privilege on it. The server does not report which. The account may use: ${others}. If the name is correct, ask an administrator to run GRANT SELECT, INSERT, UPDATE, DELETE ON \`${database}\`.* TO ${account}.`;
}

interface Activation {
  readonly names: string;
  /** For this session alone. */
  readonly set: string;
  /** For each login. */
  readonly lasting: string;
}

/** MariaDB has one role active at a time. */
function waysToActivate(roles: readonly string[], account: string, isMariaDb: boolean): Activation[] {
  if (roles.length === 0) return [];
  if (!isMariaDb) return [{ names: roles.join(', '), set: 'SET ROLE ALL', lasting: `SET DEFAULT ROLE ALL TO ${account}` }];
  return roles.map((role) => ({ names: role, set: `SET ROLE ${role}`, lasting: `SET DEFAULT ROLE ${role} FOR ${account}` }));
}

/** `app@%` as statements have it. */
function accountOf(currentUser: string): string {
  const at = currentUser.lastIndexOf('@');
  return `'${currentUser.slice(0, at).replaceAll("'", "''")}'@'${currentUser.slice(at + 1)}'`;
}

const GRANTED_ROLE = /^GRANT (?!.*\bON\b)(.+?) TO /i;

/** Roles that are granted to the account, when none is active: as statements quote them. */
async function inactiveRoles(session: Askable): Promise<readonly string[]> {
  const grants = await column(session, 'SHOW GRANTS');
  const roles = grants.flatMap((line) => GRANTED_ROLE.exec(line)?.[1]?.split(/,\s*(?=`|')/) ?? []);
  if (roles.length === 0) return [];
  const [active] = await row(session, 'SELECT CURRENT_ROLE()');
  return active === null || active === undefined || active === 'NONE' ? roles : [];
}

export async function examinePrivileges(pool: Pool, options: ResolvedOptions, greeting: Greeting, report: Report): Promise<void> {
  const { database } = options.endpoint;
  const { summary, usable, isSuper } = readGrants(await column(pool, 'SHOW GRANTS'), database);
  const inactive = await inactiveRoles(pool).catch(() => []);
  const { isMariaDb } = attemptOf(options, greeting);
  if (!usable) {
    report({
      step: 'privileges',
      status: 'fail',
      message: `the account has no privileges on ${database === undefined ? 'any database' : `the database ${database}`}`,
      advice: 'GRANT SELECT, INSERT, UPDATE, DELETE ON database.* TO the account.',
    });
  } else if (isSuper) {
    report({
      step: 'privileges',
      status: 'warn',
      message: `an administrator's account: ${summary}`,
      advice:
        'read_only does not restrict such an account. After a fail-over, a write to a replica succeeds and is lost. The account can also take the connection that is reserved for emergencies. Create an account that has privileges on its own database only.',
    });
  } else if (inactive.length > 0) {
    const account = accountOf((await column(pool, 'SELECT CURRENT_USER()'))[0] ?? '');
    const [{ lasting } = { lasting: '' }] = waysToActivate(inactive, account, isMariaDb);
    report({
      step: 'privileges',
      status: 'warn',
      message: `${summary}; granted, but not active at login: ${inactive.join(', ')}`,
      advice: `What only ${inactive.length === 1 ? 'this role' : 'these roles'} may do is refused. ${lasting}, as this account or as an administrator.`,
    });
  } else report({ step: 'privileges', status: 'ok', message: summary });
}
