/** The table of statements: names of tables and columns that look like something else. */
import { type Expectation, type Row, type Subject, subject } from '../statement-row.js';

const READ: Expectation = { session: 'clean', transaction: 'open', readOnly: true, effect: 'none' };
const WRITE: Expectation = { session: 'clean', transaction: 'open', readOnly: false, reads: 'uncacheable' };

/** A table as it is written, and its name. */
const NAMES: readonly (readonly [string, string])[] = [
  ['`trigger`', 'trigger'],
  ['shop.`trigger`', 'trigger'],
  ['`shop`.`trigger`', 'trigger'],
  ['shop.trigger', 'trigger'],
  ['`with space`', 'with space'],
  ['läger', 'läger'],
  ['`läger`', 'läger'],
  ['1st$try', '1st$try'],
  ['`1st$try`', '1st$try'],
  ['shop.1st$try', '1st$try'],
  ['`a``b`', 'a`b'],
  ['plain', 'plain'],
  ['shop/* a */./* b */plain', 'plain'],
];

export const NAMED: readonly Subject[] = [
  subject(
    'tables with unusual names, read',
    READ,
    NAMES.flatMap(([written, name]): Row[] => [
      { sql: `SELECT * FROM ${written}`, reads: [name] },
      { sql: `SELECT t.a FROM ${written} AS t, orders o WHERE t.id = o.id`, reads: ['orders', name].sort() },
    ]),
  ),
  subject(
    'tables with unusual names, written',
    WRITE,
    NAMES.flatMap(([written, name]): Row[] => [
      {
        ...WRITE,
        sql: `INSERT INTO ${written} (id, a) VALUES (9, 9)`,
        effect: [name],
      },
      { ...WRITE, sql: `UPDATE ${written} SET a = 99`, effect: [name] },
      { ...WRITE, sql: `DELETE FROM ${written}`, effect: [name] },
    ]),
  ),
  subject('columns and aliases that are words of SQL', { session: 'clean', transaction: 'open', effect: 'none' }, [
    'SELECT `set`, `use` FROM (SELECT 1 AS `set`, 2 AS `use`) AS `lock`',
    'SELECT x.set, x.lock FROM (SELECT 1 AS `set`, 2 AS `lock`) AS x',
    'SELECT x.into FROM (SELECT 1 AS `into`) AS x',
    'SELECT x.update, x.delete FROM (SELECT 1 AS `update`, 2 AS `delete`) AS x',
    'SELECT x . temporary FROM (SELECT 1 AS temporary) AS x',
    'SELECT commit, begin, start, do2 FROM (SELECT 1 AS commit, 2 AS begin, 3 AS start, 4 AS do2) AS x',
    'SELECT get_lock FROM (SELECT 1 AS get_lock) AS x',
    'SELECT 1 AS handler, 2 AS prepare, 3 AS `execute`, 4 AS xa',
    'SELECT 1 AS größe, 2 AS 数, 3 AS $x, 4 AS a$b, 5 AS 1a',
    'SELECT 1 AS `größe; do`, 2 AS `@x`, 3 AS `f(`',
    'SELECT 1a FROM (SELECT 1 AS 1a) AS x',
    'SELECT 1 e1x, 2 AS x0, 3 AS _y',
    'SELECT name FROM items AS `for` ORDER BY `for`.name',
    { sql: 'SELECT id FROM items AS shared', readOnly: true, reads: ['items'] },
    { sql: 'SELECT intox FROM (SELECT 1 AS intox) AS x', readOnly: true },
    { sql: 'SELECT SET FROM items', fails: 1064, session: undefined, effect: undefined },
  ]),
  subject('functions of the server and stored ones of their names', {}, [
    { sql: 'SELECT COUNT(*) FROM items', readOnly: true },
    { sql: 'SELECT count( * ) FROM items', readOnly: true },
    { sql: 'SELECT MAX(id), MIN( id ) FROM items', readOnly: true },
    { sql: 'SELECT shop.count(1)', fails: true, readOnly: false },
    { sql: 'SELECT shop . f_write()', readOnly: false },
    { sql: 'SELECT f_write/* a */()', readOnly: false },
    { sql: 'SELECT F_WRITE()', readOnly: false, effect: 'everything' },
    { sql: 'SELECT f_write\n(\n)', readOnly: false },
    { sql: 'SELECT 1 FROM items HAVING f_write()', readOnly: false },
    { sql: 'SELECT f_pure(f_write())', readOnly: false, effect: 'everything' },
    { sql: 'SELECT (f_write())', readOnly: false },
    { sql: 'SELECT *, f_write() FROM plain', readOnly: false },
    { sql: 'VALUES (f_write())', on: 'mariadb', readOnly: false },
    { sql: 'VALUES ROW(f_write())', on: 'mysql', readOnly: false },
    { sql: 'WITH c AS (SELECT f_write() AS a) SELECT * FROM c', readOnly: false },
    { sql: 'SHOW TABLES WHERE f_write()', readOnly: false },
    { sql: 'SELECT 1 ORDER BY f_write()', readOnly: false },
    { sql: 'SELECT 1 LIMIT 1 OFFSET 0', readOnly: true },
    { sql: 'SELECT `count`(1)', readOnly: false, fails: true, on: 'mariadb' },
  ]),
];
