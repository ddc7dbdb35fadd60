import { chown, readFile } from 'node:fs/promises';

/** Whom a program runs as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

const CANDIDATES: readonly string[] = ['postgres', 'nobody'];

/**
 * PostgreSQL and PgBouncer refuse to run as root.
 *
 * @returns Another account when this process is root; `undefined` when there is no need for one.
 */
export async function unprivilegedAccount(): Promise<Account | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of CANDIDATES) {
    const line = lines.find(([candidate]) => candidate === name);
    if (line !== undefined) return { uid: Number(line[2]), gid: Number(line[3]) };
  }
  throw new Error(`None of the accounts ${CANDIDATES.join(', ')} exists to run a program as that refuses to run as root.`);
}

/** Gives a file or an (empty) folder to the account. */
export async function giveTo(account: Account | undefined, ...paths: readonly string[]): Promise<void> {
  if (account === undefined) return;
  for (const path of paths) await chown(path, account.uid, account.gid);
}
