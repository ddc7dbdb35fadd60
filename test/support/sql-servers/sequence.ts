/**
 * A table of the numbers from 1 on, in their order, in a column `seq`, for a FROM clause of any server. MariaDB alone has it as a table.
 *
 * @param alias - Its name in the statement.
 */
export function sequence(count: number, alias = 'numbers'): string {
  return `JSON_TABLE(CONCAT('[1', REPEAT(',1', ${count - 1}), ']'), '$[*]' COLUMNS (seq FOR ORDINALITY)) AS ${alias}`;
}
