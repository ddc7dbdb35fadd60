/** The table of statements: pairs of texts that are one statement with other values, and pairs that are not. */
import type { DigestPair } from '../statement-row.js';

function same(one: string, other: string, further: Partial<DigestPair> = {}): DigestPair {
  return { one, other, same: true, ...further };
}

function different(one: string, other: string, further: Partial<DigestPair> = {}): DigestPair {
  return { one, other, same: false, ...further };
}

export const DIGESTS: readonly DigestPair[] = [
  same('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE id = 22'),
  same('SELECT * FROM items WHERE id = 1', 'SELECT  *\nFROM\titems   WHERE id=1'),
  same('SELECT * FROM items WHERE id = 1', '/* a */ SELECT * FROM items WHERE id = 1'),
  same('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE id = 1 -- why'),
  same('SELECT * FROM items WHERE id = 1', 'SELECT * # why\nFROM items WHERE id = 1'),
  same('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items /* ; */ WHERE id = 1'),
  same("SELECT * FROM items WHERE name = 'a'", "SELECT * FROM items WHERE name = 'b; do'"),
  same("SELECT * FROM items WHERE name = 'a'", "SELECT * FROM items WHERE name = 'it''s'"),
  // The rules of a cache take a text in double quotes for a name, which it is under ANSI_QUOTES.
  same("SELECT * FROM items WHERE name = 'a'", 'SELECT * FROM items WHERE name = "a"', { except: 'ruleDigest' }),
  same("SELECT * FROM items WHERE name = 'a'", "SELECT * FROM items WHERE name = ''"),
  same("SELECT * FROM items WHERE name = 'a'", "SELECT * FROM items WHERE name = '-- a'"),
  same("SELECT * FROM items WHERE name = 'a'", "SELECT * FROM items WHERE name = '/* a'"),
  same('SELECT * FROM items WHERE id IN (1, 2)', 'SELECT * FROM items WHERE id IN (3, 4, 5)'),
  same('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE id = 1.5'),
  same('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE id = 1e3'),
  same('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE id = 0x1f'),
  same('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE id = 0b11'),
  same('SELECT * FROM items WHERE id = 1', "SELECT * FROM items WHERE id = 'a'"),
  same('SELECT * FROM items LIMIT 1', 'SELECT * FROM items LIMIT 20'),
  same('SELECT * FROM items LIMIT 1 OFFSET 3', 'SELECT * FROM items LIMIT 20 OFFSET 40'),
  same('INSERT INTO plain VALUES (1, 2)', 'INSERT INTO plain VALUES (3, 4)'),
  // Only reads are cached, so rules do not fold rows.
  same('INSERT INTO plain VALUES (1, 2), (3, 4)', 'INSERT INTO plain VALUES (1, 2), (3, 4), (5, 6)', { except: 'ruleDigest' }),
  same('UPDATE plain SET a = 1 WHERE id = 2', 'UPDATE plain SET a = 10 WHERE id = 20'),
  // The digest that people read keeps the semicolon and the case of letters.
  same('DELETE FROM plain WHERE id = 1', 'DELETE FROM plain WHERE id=2;', { except: 'digest' }),
  same('SELECT 1', 'select 2', { except: 'digest' }),
  same('SELECT id FROM items', 'SELECT id FROM items;', { except: 'digest' }),
  same('SELECT x FROM (SELECT 1 AS x) AS t', 'SELECT x FROM (SELECT 2 AS x) AS t'),
  same('SELECT * FROM items WHERE price BETWEEN 1 AND 2', 'SELECT * FROM items WHERE price BETWEEN 10 AND 20'),
  different('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE price = 1'),
  different('SELECT * FROM items WHERE id = 1', 'SELECT * FROM plain WHERE id = 1'),
  different('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE id > 1'),
  different('SELECT * FROM items WHERE id = 1', 'SELECT * FROM items WHERE id = price'),
  different('SELECT id FROM items', 'SELECT id FROM shop.items'),
  different('SELECT id, name FROM items', 'SELECT name, id FROM items'),
  different('SELECT id FROM items', 'SELECT DISTINCT id FROM items'),
  different('SELECT id FROM items', 'SELECT id FROM items FOR UPDATE'),
  different('SELECT id FROM items', 'SELECT id FROM items LIMIT 1'),
  different('SELECT * FROM items WHERE note IS NULL', 'SELECT * FROM items WHERE note IS NOT NULL'),
  different('DELETE FROM plain WHERE id = 1', 'DELETE FROM plain'),
  different('SELECT 1 FROM `trigger`', 'SELECT 1 FROM `with space`'),
  different('SELECT 1; SELECT 2', 'SELECT 1', { on: 'mariadb' }),
  different('SELECT 1; SELECT 2', 'SELECT 1', { on: 'mysql', serverDiffers: 'it counts the first statement only' }),
  different('SELECT id FROM items ORDER BY id', 'SELECT id FROM items ORDER BY id DESC'),
  different('SELECT id FROM items UNION SELECT id FROM plain', 'SELECT id FROM items UNION ALL SELECT id FROM plain'),
];
