/** The short name of a statement for telemetry: what it does, and to which tables. */

import { tokenListsOf } from './token-list.js';
import { tablesIn } from './tables.js';
import { BY_DEFAULT } from './tokens.js';

/** OpenTelemetry, "Semantic conventions for database client spans", `db.query.summary`. */
const LONGEST_SUMMARY = 255;
/** How much of a statement is looked at: a bulk insert may have megabytes. */
const LONGEST_SCAN = 8_192;

/**
 * `SELECT users`, `INSERT orders`. No value is in it: texts in double quotes count as values, and where it is not clear where a value ends, only
 * the operation is left.
 */
export function summaryOf(sql: string, operation: string): string {
  const { statements, escapedQuote, unclear } = tokenListsOf(sql, BY_DEFAULT, Math.min(sql.length, LONGEST_SCAN), 'literal');
  const tokens = statements[0]?.tokens;
  if (tokens === undefined || escapedQuote || unclear) return operation;
  let summary = operation;
  for (const table of tablesIn(tokens)) {
    if (summary.length + 1 + table.length > LONGEST_SUMMARY) break;
    summary += ` ${table}`;
  }
  return summary;
}
