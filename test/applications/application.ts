/** What an application under test is: how it is filled and started, what a visitor does in it, and what its tables say afterwards. */
import type { RowDataPacket } from 'mysql2/promise';
import type { Visitor } from './visitor.js';

/** Runs a statement as the administrator, in the application's database. */
export type Admin = (sql: string, values?: unknown[]) => Promise<RowDataPacket[]>;

/** An application that is installed as its users install it. */
export interface Application {
  /** Its folder here, with its package.json and its programs, and its name on the command line. */
  readonly name: string;
  readonly title: string;
  /** What it is to its pool: `TypeORM, on createPool of mysql2`. */
  readonly way: string;
  /** The packages whose versions are shown. */
  readonly packages: readonly string[];
  /** The program, in its folder, that makes its tables; it runs without the hook. None: the application makes them itself. */
  readonly fill?: string;
  /** The program that serves. It may be a file of a package. */
  readonly server: readonly [string, ...string[]];
  /** On top of what every application gets: `PORT`, `APPLICATION_DATABASE` (JSON) and `APPLICATION_LIMIT`. */
  environment?(settings: Settings): Readonly<Record<string, string>>;
  /** The limit of its pool. */
  readonly limit: number;
  readonly visitors: number;
  /** The path that answers with 200 when it serves. */
  readonly readyPath: string;
  /** The table that is locked, so that every visitor holds a connection and waits. */
  readonly lockedTable: string;
  /** Does one thing from its beginning to its end, through every failure. Its name is `visitor.task`. */
  visit(visitor: Visitor): Promise<void>;
  /** How often each task is in the tables, by its name. `Number.NaN`: it is there, but not whole. */
  readonly books: (admin: Admin) => Promise<ReadonlyMap<string, number>>;
}

/** What an application is started with. */
export interface Settings {
  readonly port: number;
  readonly limit: number;
  /** A folder of its own for what it writes. */
  readonly folder: string;
  readonly database: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
}

/** Counts rows by a column with the names of tasks. */
export async function countByTask(admin: Admin, sql: string): Promise<ReadonlyMap<string, number>> {
  const rows = await admin(sql);
  return new Map(rows.map((row) => [String(row['task']), row['count'] === null ? Number.NaN : Number(row['count'])]));
}
