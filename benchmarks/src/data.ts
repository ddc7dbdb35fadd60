import type { Row } from './rivals/lender.js';

/** The rows that are read: made by these functions, so that any row that comes back can be checked. */
export const ACCOUNTS = 10_000;
export const WIDE_ROWS = 500;
const WIDE_GROUPS = 8;

export const SMALL_COLUMNS = 'id, name, balance';

export function accountOf(id: number): Row {
  return { id, name: `Account of customer ${id}`, balance: (id * 7_919) % 100_000 };
}

/** 40 columns of the types that both drivers give as the same JavaScript values, and a text of 1 000 characters. */
export function wideRowOf(id: number): Row {
  const row: Record<string, unknown> = { id };
  for (let group = 1; group <= WIDE_GROUPS; group += 1) {
    row[`amount_${group}`] = id * group;
    row[`price_${group}`] = `${id}.${String(group).padStart(2, '0')}`;
    row[`ratio_${group}`] = id + group / 8;
    row[`label_${group}`] = `label ${group} of row ${id}`;
    row[`made_${group}`] = new Date(2026, 0, 1 + group, 12, id % 60, group);
  }
  row['body'] = `Row ${id}. `.repeat(125).slice(0, 1_000);
  return row;
}

/** The statements that make and fill the tables. */
export function* tableStatements(): Generator<readonly [sql: string, values: readonly unknown[]]> {
  yield ['CREATE TABLE accounts (id INT UNSIGNED PRIMARY KEY, name VARCHAR(40) NOT NULL, balance INT NOT NULL)', []];
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => Object.values(accountOf(index + 1)));
  yield ['INSERT INTO accounts VALUES ?', [accounts]];
  const columns = Array.from({ length: WIDE_GROUPS }, (_, index) => {
    const group = index + 1;
    return [
      `amount_${group} INT NOT NULL`,
      `price_${group} DECIMAL(12,2) NOT NULL`,
      `ratio_${group} DOUBLE NOT NULL`,
      `label_${group} VARCHAR(60) NOT NULL`,
      `made_${group} DATETIME NOT NULL`,
    ].join(', ');
  });
  yield [`CREATE TABLE wide (id INT UNSIGNED PRIMARY KEY, ${columns.join(', ')}, body TEXT NOT NULL)`, []];
  const wide = Array.from({ length: WIDE_ROWS }, (_, index) => Object.values(wideRowOf(index + 1)));
  yield ['INSERT INTO wide VALUES ?', [wide]];
}
