/** A random schema of tables, triggers, foreign keys, functions and views on a real server, and every door by which its tables are written. */
import type { TestDatabase } from '../../support/servers/database.js';

/** A generator of numbers from 0 to before 1. */
export type Random = () => number;

/** What was made. */
export interface RandomSchema {
  /** Tables and views, of which each can be read and compared. */
  readonly readable: readonly string[];
  /** A text that writes, or seems not to and does. Several of them may be in one transaction. */
  write(random: Random): string;
  /** A text that writes one table, and what its triggers write. */
  writeOne(random: Random): string;
  /** A text that changes the schema; it ends the transaction. */
  alter(random: Random): string;
}

const TABLES = 8;
/** How many of the doors change only the table that they name. */
const NARROW = 3;

/** Makes a schema on an empty database. Which engines and statements it has depends on the server's own. */
export async function makeRandomSchema(database: TestDatabase, random: Random): Promise<RandomSchema> {
  const admin: Admin = (sql, values) => database.admin(sql, values);
  const supported = new Set(
    (await admin("SELECT LOWER(engine) AS engine FROM information_schema.engines WHERE support IN ('YES', 'DEFAULT')")).map((row) =>
      String(row['engine']),
    ),
  );
  const [version] = await admin('SELECT VERSION() AS version');
  const isMariaDb = String(version?.['version']).includes('MariaDB');
  const engines = ['InnoDB', 'MyISAM', 'MEMORY', ...(supported.has('aria') ? ['Aria'] : [])];
  const tables = Array.from({ length: TABLES }, (_, index) => `t${index}`);
  const engineOf = new Map<string, string>();
  for (const table of tables) {
    const engine = pick(random, engines);
    engineOf.set(table, engine);
    await admin(`CREATE TABLE ${table} (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0) ENGINE = ${engine}`);
    await admin(`INSERT INTO ${table} (id) VALUES (1), (2), (3)`);
  }
  const cascading = await makeCascade(admin);
  const merged = supported.has('mrg_myisam') ? await makeMerged(admin) : [];
  await admin(`CREATE FUNCTION writing() RETURNS INT DETERMINISTIC MODIFIES SQL DATA
    BEGIN UPDATE t0 SET n = n + 1 WHERE id = 1; RETURN 1; END`);
  await admin(`CREATE FUNCTION reading(which INT) RETURNS INT DETERMINISTIC READS SQL DATA RETURN (SELECT SUM(n) + which FROM t1)`);
  await admin('CREATE PROCEDURE calling(amount INT) UPDATE t2 SET n = n + amount');
  await makeTriggers(admin, random);
  const views = await makeViews(admin, random, [...tables, ...cascading]);
  await admin('CREATE VIEW v_calling AS SELECT writing() AS called, id FROM t3 WHERE id = 1');
  await admin('CREATE VIEW v_over_calling AS SELECT called FROM v_calling');
  const readable = [...tables, ...cascading, ...merged, ...views];
  const amount = (): number => 1 + Math.floor(random() * 1_000);
  const doors: readonly ((table: string, other: string) => string)[] = [
    (table) => `UPDATE ${table} SET n = n + ${amount()}`,
    (table) => `INSERT INTO ${table} (id, n) VALUES (${amount()}, 1) ON DUPLICATE KEY UPDATE n = n + 1`,
    (table) => `REPLACE INTO ${table} (id, n) VALUES (1, ${amount()})`,
    (table) => `REPLACE INTO ${table} (id, n) VALUES (2, writing())`,
    (table, other) => `UPDATE ${table} AS one JOIN ${other} AS other USING (id) SET one.n = one.n + 1, other.n = other.n + 2`,
    (table, other) => `DELETE one FROM ${table} AS one JOIN ${other} AS other USING (id) WHERE one.id > 3`,
    (table, other) => `INSERT IGNORE INTO ${table} (id, n) SELECT id + 10, n FROM ${other}`,
    // The first row stays where there are no transactions.
    (table) => `INSERT INTO ${table} (id, n) VALUES (${1_000 + amount()}, 1), (1, 1)`,
    (table) => `UPDATE \`${table.toUpperCase().toLowerCase()}\` /* why not */ SET N = N + 1 -- so`,
    () => 'CALL calling(3)',
    () => 'SELECT writing()',
    () => 'DO writing()',
    () => 'SET @mine = writing()',
    () => 'SELECT called FROM v_calling',
    () => 'SELECT * FROM v_over_calling',
    () => 'UPDATE parent SET id = id + 100 ORDER BY id DESC LIMIT 1',
    () => 'DELETE FROM parent ORDER BY id LIMIT 1',
    () => `INSERT INTO parent (id, n) VALUES (${amount()}, 0) ON DUPLICATE KEY UPDATE n = n + 1`,
    (table) => `PREPARE prepared FROM 'UPDATE ${table} SET n = n + 1'`,
    () => 'EXECUTE prepared',
    () => `CREATE TEMPORARY TABLE passing_${Math.floor(random() * 1e9)} AS SELECT writing() AS n`,
    ...(merged.length === 0
      ? []
      : [() => 'UPDATE m1 SET n = n + 1', () => 'UPDATE merged SET n = n + 1', () => 'INSERT INTO m2 VALUES (7, 7)']),
    ...(isMariaDb ? ['SET STATEMENT max_statement_time = 5 FOR UPDATE t4 SET n = n + 1', 'ANALYZE UPDATE t5 SET n = n + 1'] : []).map(
      (sql) => () => sql,
    ),
  ];
  const alterations: readonly ((table: string, other: string) => string)[] = [
    (table, other) => `RENAME TABLE ${table} TO between_them, ${other} TO ${table}, between_them TO ${other}`,
    (table) => `TRUNCATE TABLE ${table}`,
    (table) => `ALTER TABLE ${table} MODIFY n BIGINT NOT NULL DEFAULT 0`,
    (table) => `INSERT IGNORE INTO ${table} (id) VALUES (1), (2), (3)`,
    (table, other) => `ALTER VIEW v0 AS SELECT one.id, one.n + other.n AS n FROM ${table} AS one JOIN ${other} AS other USING (id)`,
  ];
  const two = (from: Random): [string, string] => {
    const table = pick(from, tables);
    return [
      table,
      pick(
        from,
        tables.filter((name) => name !== table),
      ),
    ];
  };
  return {
    readable,
    write: (from) => pick(from, doors)(...two(from)),
    writeOne: (from) => pick(from, doors.slice(0, NARROW))(...two(from)),
    alter: (from) => pick(from, alterations)(...two(from)),
  };
}

type Admin = TestDatabase['admin'];

async function makeCascade(admin: Admin): Promise<string[]> {
  await admin('CREATE TABLE parent (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0) ENGINE = InnoDB');
  await admin(`CREATE TABLE child (id INT PRIMARY KEY, n INT, FOREIGN KEY (n) REFERENCES parent (id) ON UPDATE CASCADE ON DELETE CASCADE)
    ENGINE = InnoDB`);
  await admin(
    `CREATE TABLE grandchild (id INT PRIMARY KEY, n INT, FOREIGN KEY (n) REFERENCES child (id) ON DELETE SET NULL) ENGINE = InnoDB`,
  );
  const rows = Array.from({ length: 20 }, (_, index) => index + 1);
  await admin(`INSERT INTO parent (id) VALUES ${rows.map((id) => `(${id})`).join(', ')}`);
  await admin(`INSERT INTO child VALUES ${rows.map((id) => `(${id}, ${id})`).join(', ')}`);
  await admin(`INSERT INTO grandchild VALUES ${rows.map((id) => `(${id}, ${id})`).join(', ')}`);
  return ['parent', 'child', 'grandchild'];
}

async function makeMerged(admin: Admin): Promise<string[]> {
  for (const name of ['m1', 'm2']) {
    await admin(`CREATE TABLE ${name} (id INT, n INT) ENGINE = MyISAM`);
    await admin(`INSERT INTO ${name} VALUES (1, 1)`);
  }
  await admin('CREATE TABLE merged (id INT, n INT) ENGINE = MERGE UNION = (m1, m2) INSERT_METHOD = LAST');
  return ['m1', 'm2', 'merged'];
}

/** Each writes another table than its own, and no table whose trigger writes back. */
async function makeTriggers(admin: Admin, random: Random): Promise<void> {
  for (let index = 4; index < TABLES; index += 1) {
    if (random() < 0.3) continue;
    const target = `t${Math.floor(random() * 3)}`;
    const body = pick(random, [
      `UPDATE ${target} SET n = n + 1 WHERE id = 2`,
      `BEGIN DECLARE amount INT DEFAULT ABS(-1); IF (amount > 0) THEN UPDATE ${target} SET n = n + amount WHERE id IN (2, 3); END IF; END`,
      'CALL calling(1)',
    ]);
    await admin(`CREATE TRIGGER after_${index} AFTER UPDATE ON t${index} FOR EACH ROW ${body}`);
  }
}

/** Views over tables, over views, and with what a view may have in it; each has an id and an n. */
async function makeViews(admin: Admin, random: Random, tables: readonly string[]): Promise<string[]> {
  const names: string[] = [];
  for (let index = 0; index < 8; index += 1) {
    const under = [...tables, ...names];
    const one = pick(random, under);
    const other = pick(random, under);
    const query = pick(random, [
      `SELECT id, n + 1 AS n FROM ${one}`,
      `SELECT one.id, COALESCE(one.n, 0) + (SELECT COALESCE(SUM(n), 0) FROM ${other}) AS n FROM ${one} AS one`,
      `SELECT id, n FROM ${one} UNION ALL SELECT id, n FROM ${other}`,
      `SELECT id, reading(id) AS n FROM ${one}`,
      `SELECT id, n FROM ${one} WHERE id IN (SELECT id FROM ${other} WHERE n >= 0)`,
      `SELECT x.id, x.n FROM (SELECT id, GREATEST(COALESCE(n, 0), 0) AS n FROM ${one}) AS x`,
    ]);
    await admin(`CREATE VIEW v${index} AS ${query}`);
    names.push(`v${index}`);
  }
  return names;
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}
