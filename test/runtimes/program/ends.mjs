/** A program that never closes its pool: it ends anyway, because idle connections and timers hold no process. */
import { createPool } from 'poolwright';
import { connectionOptions } from './checks.mjs';

const pool = createPool(connectionOptions());
await Promise.all([1, 2, 3].map((n) => pool.query('SELECT ? AS n', [n])));
console.log('answered');
