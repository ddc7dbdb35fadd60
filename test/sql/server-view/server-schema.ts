/** The schema on which the table of statements runs: how a server gets it, and how it is put back. */
import type { ServerKind } from './statement-row.js';

export const MAIN_DATABASE = 'shop';
export const OTHER_DATABASE = 'archive';

/** The table whose uncommitted row shows whether a transaction was committed. No statement of the table names it. */
export const MARKER = 'marker';

const ITEM = '(id INT PRIMARY KEY, name VARCHAR(50), price INT, note TEXT)';
const SMALL = '(id INT PRIMARY KEY, a INT)';

/** Every table and the rows that it begins with. */
const TABLES: readonly (readonly [name: string, definition: string, rows: string])[] = [
  ['shop.marker', '(id INT PRIMARY KEY) ENGINE=InnoDB', '(0)'],
  ['shop.items', ITEM, "(1, 'apple', 10, 'red'), (2, 'pear', 20, 'green'), (3, 'it''s', 30, NULL)"],
  ['shop.audit', '(id INT PRIMARY KEY AUTO_INCREMENT, what VARCHAR(50))', "(1, 'begin')"],
  ['shop.customers', '(id INT PRIMARY KEY, name VARCHAR(50))', "(1, 'Ada'), (2, 'Bob')"],
  [
    'shop.orders',
    '(id INT PRIMARY KEY, customer_id INT, item_id INT, FOREIGN KEY (customer_id) REFERENCES shop.customers (id) ON DELETE CASCADE ON UPDATE CASCADE)',
    '(1, 1, 1), (2, 1, 2), (3, 2, 3)',
  ],
  ['shop.plain', SMALL, '(1, 10), (2, 20)'],
  ['shop.`trigger`', SMALL, '(1, 10), (2, 20)'],
  ['shop.`with space`', SMALL, '(1, 10)'],
  ['shop.läger', SMALL, '(1, 10)'],
  ['shop.`1st$try`', SMALL, '(1, 10)'],
  ['shop.`a``b`', SMALL, '(1, 10)'],
  ['shop.legacy', '(id INT PRIMARY KEY, a INT) ENGINE=MyISAM', '(1, 10)'],
  ['archive.items', ITEM, "(1, 'old apple', 1, NULL)"],
  ['archive.years', SMALL, '(1, 2020)'],
];

/** All tables as they are written in a statement: with their databases, and quotes where they need them. */
export const TABLE_NAMES: readonly string[] = TABLES.map(([name]) => name);

const ROUTINES: readonly string[] = [
  'CREATE VIEW cheap_items AS SELECT id, name FROM items WHERE price < 25',
  'CREATE VIEW item_orders AS SELECT o.id AS order_id, i.name FROM orders o JOIN items i ON i.id = o.item_id',
  "CREATE TRIGGER items_change AFTER UPDATE ON items FOR EACH ROW INSERT INTO audit (what) VALUES ('changed')",
  "CREATE TRIGGER items_birth AFTER INSERT ON items FOR EACH ROW INSERT INTO audit (what) VALUES ('born')",
  'CREATE TRIGGER years_mark AFTER UPDATE ON archive.years FOR EACH ROW SET @year_changed = 1',
  "CREATE PROCEDURE p_write() INSERT INTO audit (what) VALUES ('p_write')",
  'CREATE PROCEDURE p_read() SELECT 1',
  'CREATE PROCEDURE p_variable() SET @from_procedure = 1',
  "CREATE PROCEDURE p_commit() BEGIN INSERT INTO audit (what) VALUES ('p_commit'); COMMIT; END",
  'CREATE FUNCTION f_pure(x INT) RETURNS INT DETERMINISTIC NO SQL RETURN x + 1',
  "CREATE FUNCTION f_write() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO audit (what) VALUES ('f_write'); RETURN 1; END",
  'CREATE FUNCTION f_variable() RETURNS INT NO SQL BEGIN SET @from_function = 1; RETURN 1; END',
  // With a space before the bracket, the name of the server's own function means a stored one.
  "CREATE FUNCTION `curdate`() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO audit (what) VALUES ('curdate'); RETURN 1; END",
  "CREATE VIEW lock_view AS SELECT GET_LOCK('from_view', 0) AS got",
  'CREATE VIEW write_view AS SELECT f_write() AS written',
  "CREATE FUNCTION f_lock() RETURNS INT NO SQL RETURN GET_LOCK('from_function', 0)",
  'CREATE FUNCTION f_zone() RETURNS INT NO SQL BEGIN SET time_zone = "+03:00"; RETURN 1; END',
];

/** Makes both databases again. */
export function schemaStatements(kind: ServerKind): string[] {
  return [
    `DROP DATABASE IF EXISTS ${MAIN_DATABASE}`,
    `DROP DATABASE IF EXISTS ${OTHER_DATABASE}`,
    'DROP DATABASE IF EXISTS made',
    `CREATE DATABASE ${MAIN_DATABASE} CHARACTER SET utf8mb4`,
    `CREATE DATABASE ${OTHER_DATABASE} CHARACTER SET utf8mb4`,
    ...TABLES.map(([name, definition]) => `CREATE TABLE ${name} ${definition}`),
    `CREATE TABLE ${MAIN_DATABASE}.spare (id INT)`,
    ...TABLES.map(([name, , rows]) => `INSERT INTO ${name} VALUES ${rows}`),
    `USE ${MAIN_DATABASE}`,
    ...ROUTINES.slice(0, 4),
    `USE ${OTHER_DATABASE}`,
    ROUTINES[4] as string,
    `USE ${MAIN_DATABASE}`,
    ...ROUTINES.slice(5),
    ...(kind === 'mariadb' ? ['CREATE SEQUENCE numbers START WITH 100 NOCACHE'] : []),
    'DROP ROLE IF EXISTS reader',
    'CREATE ROLE reader',
  ];
}

/** Puts the rows back, where no table itself has changed. */
export function rowStatements(): string[] {
  return [
    'SET foreign_key_checks = 0',
    ...TABLES.filter(([name]) => name !== 'shop.audit').flatMap(([name, , rows]) => [
      `DELETE FROM ${name}`,
      `INSERT INTO ${name} VALUES ${rows}`,
    ]),
    'DELETE FROM shop.audit',
    "INSERT INTO shop.audit VALUES (1, 'begin')",
  ];
}
