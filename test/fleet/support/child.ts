import type { PoolOptions } from '../../../src/index.js';
import { createPool } from '../../../src/index.js';
import { load } from './fleet-of-pools.js';

/** A process with one member of a fleet, which keeps so many callers busy and reports to its parent what it knows; see children.ts. */

const [, , options = '{}', callers = '0'] = process.argv;
const pool = createPool(JSON.parse(options) as PoolOptions);
const stop = load(pool, Number(callers));

process.on('message', (message) => {
  if (message === 'tell') process.send?.({ fleet: pool.fleet, stats: { connectErrors: pool.stats().connectErrors } });
  if (message === 'end') void stop().then((failed) => pool.end().then(() => process.send?.({ failed }, () => process.exit(0))));
});
process.send?.({ ready: true });
