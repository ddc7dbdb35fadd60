/** A worker thread with a pool of its own. */
import { parentPort } from 'node:worker_threads';
import { createPool } from 'poolwright';
import { connectionOptions } from './checks.mjs';

const pool = createPool(connectionOptions());
const [[{ n }]] = await pool.query('SELECT 7 AS n');
await pool.end();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port takes none
parentPort.postMessage(n);
