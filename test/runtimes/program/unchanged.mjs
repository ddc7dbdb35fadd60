/** An application that knows only mysql2. Run with the hook, its pools are managed ones. */
import { createRequire } from 'node:module';
import mysql from 'mysql2';
import promiseMysql, { createPool } from 'mysql2/promise';
import { connectionOptions } from './checks.mjs';

const required = createRequire(import.meta.url)('mysql2/promise');
const managed = {};
for (const [name, make] of Object.entries({ byDefault: promiseMysql.createPool, byName: createPool, byRequire: required.createPool })) {
  const pool = make(connectionOptions());
  const [[row]] = await pool.query('SELECT 1 AS n');
  managed[name] = row.n === 1 && 'stats' in pool;
  await pool.end();
}
const pool = mysql.createPool(connectionOptions());
managed.callbacks = await new Promise((resolve) =>
  pool.query('SELECT 1 AS n', (error, rows) => resolve(error ? String(error) : rows[0].n === 1 && 'stats' in pool.promise())),
);
await new Promise((resolve) => pool.end(resolve));
console.log(JSON.stringify(managed));
