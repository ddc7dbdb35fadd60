/** Where a fleet's state is kept: in Redis, or in a table of the database. */

export { databaseLedger, FLEET_TABLE, type LedgerConnection } from './database-ledger.js';
export { redisLedger } from './redis-ledger.js';
export { StoredLedger } from './stored-ledger.js';
