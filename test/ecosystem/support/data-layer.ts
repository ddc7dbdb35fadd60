import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPool, type Pool, type PoolOptions } from '../../../src/index.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';
import { sequence } from '../../support/sql-servers/sequence.js';

/** An author with their posts, as every data layer here maps them. */
export interface Author {
  readonly name: string;
  readonly posts: readonly string[];
}

/** Where statements run: in a transaction, or on the connection that comes free first. */
export interface Runner {
  /** Runs a statement as the data layer runs one that it did not make itself. */
  run(sql: string): Promise<unknown>;
}

/** What a service does with its data layer, on tables `authors (id, name UNIQUE)` and `posts (id, title, author_id)`. */
export interface DataLayer extends Runner, AsyncDisposable {
  /** Writes an author and their posts, in one transaction. */
  add(author: Author): Promise<void>;
  /** Reads all authors with their posts, by the layer's own relations, ordered by name. */
  authors(): Promise<readonly Author[]>;
  /** Commits when `work` resolves, rolls back when it rejects. */
  transaction(work: (tx: Runner) => Promise<void>): Promise<void>;
  /** Reads the names of all authors one by one, as they come. */
  names(): AsyncIterable<string>;
}

/** A data layer and how it is given a pool. */
export interface Subject {
  /** Its package, and the name under which the tests show it. */
  readonly name: string;
  readonly packageName: string;
  /** Whether its own end is that of the pool. */
  readonly endsPool: boolean;
  /** Whether it reads rows one by one. Default: true. */
  readonly iterates?: boolean;
  /** @param makePool takes the options that the data layer sets itself when it makes its own pool */
  open(makePool: (options?: PoolOptions) => Pool, database: TestDatabase): Promise<DataLayer>;
}

interface Fixture extends AsyncDisposable {
  readonly pool: Pool;
  readonly database: TestDatabase;
  readonly layer: DataLayer;
}

const LIMIT = 5;

const SCHEMA = [
  'CREATE TABLE authors (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100) NOT NULL UNIQUE)',
  'CREATE TABLE posts (id INT PRIMARY KEY AUTO_INCREMENT, title VARCHAR(100) NOT NULL, author_id INT NOT NULL, FOREIGN KEY (author_id) REFERENCES authors (id))',
];

const ADA: Author = { name: 'Ada', posts: ['Notes', 'On the Engine'] };
const GRACE: Author = { name: 'Grace', posts: [] };

/** The version of a package that is installed. */
export function versionOf(packageName: string): string {
  let folder = dirname(createRequire(import.meta.url).resolve(packageName));
  for (;;) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version: string };
      if (name === packageName) return version;
    } catch {
      // Further up.
    }
    folder = dirname(folder);
  }
}

async function openOn(subject: Subject): Promise<Fixture> {
  const database = await createDatabase();
  for (const statement of SCHEMA) await database.admin(statement);
  let pool: Pool | undefined;
  const makePool = (options: PoolOptions = {}): Pool => {
    pool = createPool({ ...database.connection, ...options, connectionLimit: LIMIT, minIdle: 0 });
    return pool;
  };
  const layer = await subject.open(makePool, database);
  if (pool === undefined) throw new Error(`${subject.name} did not make its pool.`);
  const made: Pool = pool;
  return {
    pool: made,
    database,
    layer,
    async [Symbol.asyncDispose]() {
      await layer[Symbol.asyncDispose]();
      await made.end();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The number or code of the server's error, however deep the data layer has wrapped it. */
function serverErrorOf(error: unknown): string | undefined {
  for (let current = error as Record<string, unknown> | undefined; current !== undefined && current !== null; ) {
    const { code } = current;
    if (typeof code === 'string' && /^(?:ER|PROTOCOL|POOL|ECONN)/.test(code)) return code;
    current = (current['cause'] ?? current['original'] ?? current['driverError'] ?? current['previous']) as typeof current;
  }
  return undefined;
}

async function failureOf(promise: Promise<unknown>): Promise<string | undefined> {
  return await promise.then(
    () => undefined,
    (error: unknown) => serverErrorOf(error) ?? String(error),
  );
}

/** Every connection is back, and none was opened above the limit. */
async function expectAllBack({ pool }: Fixture): Promise<void> {
  await waitFor('all connections to be back', () => pool.summary().used === 0 && pool.summary().waiting === 0);
  expect(pool.stats().total).toBeLessThanOrEqual(LIMIT);
}

/** The behaviour that a service relies on, held against a data layer over our pool and a real database. */
export function describeDataLayer(subject: Subject): void {
  describe(`${subject.name} ${versionOf(subject.packageName)}`, () => {
    it('writes and reads related rows', async () => {
      await using fixture = await openOn(subject);
      const { layer, pool } = fixture;
      await layer.add(ADA);
      await layer.add(GRACE);
      expect(await layer.authors()).toEqual([ADA, GRACE]);
      // It was our pool that lent the connections.
      expect(pool.stats().acquired).toBeGreaterThan(2);
      await expectAllBack(fixture);
    });

    it('commits transactions, and rolls back those that throw', async () => {
      await using fixture = await openOn(subject);
      const { layer, database } = fixture;
      await layer.transaction(async (tx) => {
        await tx.run("INSERT INTO authors (name) VALUES ('kept')");
      });
      const failed = layer.transaction(async (tx) => {
        await tx.run("INSERT INTO authors (name) VALUES ('lost')");
        throw new Error('no');
      });
      await expect(failed).rejects.toThrow('no');
      expect(await database.admin('SELECT name FROM authors')).toEqual([{ name: 'kept' }]);
      await expectAllBack(fixture);
    });

    it('serves more callers than there are connections: statements and transactions', async () => {
      await using fixture = await openOn(subject);
      const { layer, database, pool } = fixture;
      await database.admin('CREATE TABLE counter (n INT)');
      await database.admin('INSERT INTO counter VALUES (0)');
      await Promise.all([
        ...Array.from({ length: 60 }, () => layer.run('SELECT SLEEP(0.005)')),
        ...Array.from({ length: 30 }, () => layer.transaction(async (tx) => void (await tx.run('UPDATE counter SET n = n + 1')))),
      ]);
      expect(await database.admin('SELECT n FROM counter')).toEqual([{ n: 30 }]);
      expect(pool.stats().opened).toBeLessThanOrEqual(LIMIT);
      await expectAllBack(fixture);
    });

    it('reports a duplicate key, and continues', async () => {
      await using fixture = await openOn(subject);
      const { layer } = fixture;
      await layer.add(ADA);
      expect(await failureOf(layer.add(ADA))).toBe('ER_DUP_ENTRY');
      expect(await layer.authors()).toEqual([ADA]);
      await expectAllBack(fixture);
    });

    it('reports a deadlock to the transaction that lost it, and commits the other', async () => {
      await using fixture = await openOn(subject);
      const { layer, database } = fixture;
      await database.admin("INSERT INTO authors (id, name) VALUES (1, 'one'), (2, 'two')");
      const gate = { arrived: 0, open: (): void => undefined };
      const bothHaveOne = new Promise<void>((resolve) => {
        gate.open = resolve;
      });
      const cross = (first: number, second: number): Promise<void> =>
        layer.transaction(async (tx) => {
          await tx.run(`UPDATE authors SET name = CONCAT(name, '${first}') WHERE id = ${first}`);
          gate.arrived += 1;
          if (gate.arrived === 2) gate.open();
          await bothHaveOne;
          await tx.run(`UPDATE authors SET name = CONCAT(name, '${first}') WHERE id = ${second}`);
        });
      const failures = await Promise.all([failureOf(cross(1, 2)), failureOf(cross(2, 1))]);
      expect(failures.filter((failure) => failure !== undefined)).toEqual(['ER_LOCK_DEADLOCK']);
      await expectAllBack(fixture);
    });

    it('survives the loss of all its connections, idle and in a statement', async () => {
      await using fixture = await openOn(subject);
      const { layer, database } = fixture;
      await layer.add(ADA);
      await Promise.all(Array.from({ length: LIMIT }, () => layer.run('SELECT SLEEP(0.02)')));
      await database.killConnections();
      expect(await layer.authors()).toEqual([ADA]);

      const running = failureOf(layer.run('SELECT SLEEP(5)'));
      await waitFor('the statement', async () => (await database.processlist()).some(({ info }) => info?.includes('SLEEP(5)') === true));
      await database.killConnections();
      expect(await running).toMatch(/^(?:PROTOCOL_CONNECTION_LOST|POOL_CONNECTION_LOST|ECONNRESET)$/);
      expect(await layer.authors()).toEqual([ADA]);
      await expectAllBack(fixture);
    });

    it('in a transaction that loses its connection reports that, and rolls back', async () => {
      await using fixture = await openOn(subject);
      const { layer, database } = fixture;
      const failed = failureOf(
        layer.transaction(async (tx) => {
          await tx.run("INSERT INTO authors (name) VALUES ('lost')");
          await database.killConnections();
          await tx.run("INSERT INTO authors (name) VALUES ('lost too')");
        }),
      );
      expect(await failed).not.toBeUndefined();
      expect(await layer.authors()).toEqual([]);
      await expectAllBack(fixture);
    });

    it('leaves no connection behind', async () => {
      const fixture = await openOn(subject);
      await fixture.layer.add(ADA);
      await fixture.layer[Symbol.asyncDispose]();
      expect(fixture.pool.summary().state).toBe(subject.endsPool ? 'closed' : 'running');
      await fixture.pool.end();
      await waitFor('no connection', async () => (await fixture.database.serverConnections()) === 0);
      expect(fixture.pool.summary()).toMatchObject({ state: 'closed', total: 0 });
      await fixture.database[Symbol.asyncDispose]();
    });

    if (subject.iterates === false) return;
    it('reads row by row, and may stop half-way, as often as there are connections and more', async () => {
      await using fixture = await openOn(subject);
      const { layer, database } = fixture;
      await database.admin(
        `INSERT INTO authors (name) SELECT CONCAT('author ', LPAD(seq, 6, '0'), REPEAT('.', 80)) FROM ${sequence(20_000)}`,
      );
      let rows = 0;
      for await (const name of layer.names()) {
        rows += 1;
        if (rows === 1) expect(name).toMatch(/^author 000001/);
      }
      expect(rows).toBe(20_000);
      for (let round = 0; round < LIMIT + 2; round += 1) {
        let read = 0;
        for await (const _ of layer.names()) {
          read += 1;
          if (read === 10) break;
        }
      }
      await layer.run('DELETE FROM authors');
      await layer.add(ADA);
      expect(await layer.authors()).toEqual([ADA]);
      await expectAllBack(fixture);
    });
  });
}
