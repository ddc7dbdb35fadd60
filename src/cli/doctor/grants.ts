/** Reads what an account may do from SHOW GRANTS. */

/** One right or several, on one level. */
interface Grant {
  readonly rights: string;
  readonly on: string;
}

/** What an account may do, as far as it matters to a pool. */
export interface GrantsVerdict {
  /** Without anything secret: SHOW GRANTS of MariaDB shows the hash of the password. */
  readonly summary: string;
  /** The account may do something with the database. */
  readonly usable: boolean;
  /** read_only does not hold for it, and it may take the connection that is kept for the administrator. */
  readonly isSuper: boolean;
}

/** Reads the lines of `SHOW GRANTS`. */
export function readGrants(lines: readonly string[], database: string | undefined): GrantsVerdict {
  const grants = lines.flatMap(parseGrant);
  const roles = lines.filter((line) => /^GRANT (?!.*\bON\b)/i.test(line)).length;
  const useful = grants.filter(({ rights, on }) => rights.toUpperCase() !== 'USAGE' && (database === undefined || covers(on, database)));
  const isSuper = grants.some(
    ({ rights, on }) => on === '*.*' && /\b(ALL PRIVILEGES|SUPER|READ_ONLY ADMIN|CONNECTION_ADMIN)\b/i.test(rights),
  );
  const summary = useful.map(({ rights, on }) => `${shortened(rights)} on ${on}`).join('; ');
  return {
    summary: [summary, roles > 0 ? `${roles} ${roles === 1 ? 'role' : 'roles'}` : ''].filter(Boolean).join('; ') || 'none',
    // What a role holds is not in the list, and a grant on a routine may be enough.
    usable: useful.length > 0 || roles > 0,
    isSuper,
  };
}

/**
 * Which of these rights on a table the account lacks. Where it has roles, what these hold is not in the list: nothing counts as lacking.
 *
 * @param lines of `SHOW GRANTS`
 */
export function missingRights(lines: readonly string[], database: string, table: string, wanted: readonly string[]): string[] {
  if (lines.some((line) => /^GRANT (?!.*\bON\b)/i.test(line))) return [];
  const grants = lines.flatMap(parseGrant).filter(({ on }) => on === `${database}.${table}` || (on.endsWith('.*') && covers(on, database)));
  return wanted.filter((right) => !grants.some(({ rights }) => /^ALL\b/i.test(rights) || new RegExp(`\\b${right}(,|$)`, 'i').test(rights)));
}

function parseGrant(line: string): Grant[] {
  const [, rights, on] = /^GRANT (.+?) ON (?:TABLE |FUNCTION |PROCEDURE )?(\S+) TO /i.exec(line) ?? [];
  return rights === undefined || on === undefined ? [] : [{ rights, on: on.replaceAll('`', '') }];
}

/** Grants take `%` and `_` in names of databases for any text and any letter. */
function covers(on: string, database: string): boolean {
  if (on === '*.*') return true;
  const pattern = on.slice(0, on.lastIndexOf('.'));
  const expression = pattern
    .replaceAll(/[.*+?^${}()|[\]]/g, String.raw`\$&`)
    .replaceAll(/\\_|_|%/g, (sign) => (sign === '%' ? '.*' : sign === '_' ? '.' : '_'));
  return new RegExp(`^${expression}$`, 'i').test(database);
}

function shortened(rights: string): string {
  return rights.length > 60 ? `${rights.slice(0, 60)}…` : rights;
}
