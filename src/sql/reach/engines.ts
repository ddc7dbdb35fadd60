/** Storage engines: which keep the rows of a table themselves, which have transactions, and which forget. */

import { wordSet } from '../words.js';

/** Engines that keep a table's rows to themselves, with transactions, */
const TRANSACTIONAL = wordSet('innodb ndbcluster rocksdb tokudb');
/** and without: what is written is seen at once, and a rollback leaves it. */
const IMMEDIATE = wordSet('archive aria blackhole columnstore csv memory myisam');

/** Whether a table's rows change only when that table is written. Of an engine that is not known they may be in another place, or those of other tables. */
export function holdsItsRows(engine: string): boolean {
  return isTransactional(engine) || IMMEDIATE.has(engine.toLowerCase());
}

export function isTransactional(engine: string): boolean {
  return TRANSACTIONAL.has(engine.toLowerCase());
}

/** Whether a restart of the server empties its tables. */
export function losesItsRows(engine: string): boolean {
  return engine.toLowerCase() === 'memory';
}
