import type { Connection, RowDataPacket } from 'mysql2/promise';

/** Makes registers with all that can write them, and returns their engines, in turn. Each keeps its version; what raises it notes it in `@raised`. */
export async function makeRegisters(connection: Connection, count: number): Promise<readonly string[]> {
  const [supported] = await connection.query<RowDataPacket[]>(
    "SELECT engine AS name FROM information_schema.engines WHERE support IN ('YES', 'DEFAULT') AND engine IN ('MyISAM', 'Aria')",
  );
  const engines = ['InnoDB', ...supported.map(({ name }) => String(name))];
  for (let row = 1; row <= count; row += 1) {
    const engine = engines[(row - 1) % engines.length] as string;
    const raise = `UPDATE register_${row} SET version = (@raised := version + 1)`;
    const statements = [
      `CREATE TABLE register_${row} (version INT NOT NULL) ENGINE = ${engine}`,
      `INSERT INTO register_${row} VALUES (0)`,
      `CREATE TABLE source_${row} (n INT NOT NULL) ENGINE = InnoDB`,
      `INSERT INTO source_${row} VALUES (0)`,
      `CREATE VIEW under_${row} AS SELECT version FROM register_${row}`,
      `CREATE VIEW shown_${row} AS SELECT version FROM under_${row}`,
      `CREATE TRIGGER raises_${row} AFTER UPDATE ON source_${row} FOR EACH ROW ${raise}`,
      `CREATE PROCEDURE raise_${row}() ${raise}`,
      `CREATE FUNCTION raised_${row}() RETURNS INT DETERMINISTIC MODIFIES SQL DATA BEGIN ${raise}; RETURN @raised; END`,
      `CREATE VIEW raising_${row} AS SELECT raised_${row}() AS version`,
    ];
    for (const sql of statements) await connection.query(sql);
  }
  return engines;
}

/** An account that may do what a service does, and sees neither triggers nor the definitions of views. Returns its name, which is its password. */
export async function makeLimitedAccount(connection: Connection, database: string): Promise<string> {
  const name = `limited_${database}`.slice(0, 32);
  await connection.query(`CREATE USER '${name}'@'%' IDENTIFIED BY '${name}'`);
  await connection.query(`GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON \`${database}\`.* TO '${name}'@'%'`);
  return name;
}
