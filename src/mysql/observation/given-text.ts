/** Publishes the text of a statement as its caller gave it, for tracers. */

import { isDate } from 'node:util/types';
import { givenTexts } from './trace-channels.js';

/** Begins `work`, which has mysql2 put `values` into `sql` and publish the result. */
export function withGivenText<T>(sql: string, values: unknown, work: () => T): T {
  if (!becomesOneValueEach(sql, values)) return work();
  givenTexts.publish(sql);
  try {
    return work();
  } finally {
    // mysql2 may have thrown before it published anything.
    givenTexts.publish(undefined);
  }
}

/** A list of lists, an object and `??` become more than a value: rows, assignments, names. */
function becomesOneValueEach(sql: string, values: unknown): boolean {
  return Array.isArray(values) && !sql.includes('??') && values.every(isOneValue);
}

/** mysql2 writes it as one literal. An object with a `toSqlString` writes itself, even one of these. */
export function isOneValue(value: unknown): boolean {
  if (typeof value !== 'object') return typeof value !== 'function' && typeof value !== 'symbol';
  return value === null || ((isDate(value) || Buffer.isBuffer(value)) && !('toSqlString' in value));
}
