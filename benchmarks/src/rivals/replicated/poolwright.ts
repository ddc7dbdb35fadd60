import { setTimeout as sleep } from 'node:timers/promises';
import { createCluster } from 'poolwright';
import { type OpenReadWritePool, rowsOf } from './read-write-pool.js';

/** How often it is looked whether all nodes are known. */
const POLL_MS = 20;

/** `db` for writes, `db.reader` for reads. */
export const openCluster: OpenReadWritePool = async ({ servers: { source, replicas }, limit, consistency }) => {
  const { user, password, database } = source;
  const db = createCluster({
    nodes: [source, ...replicas].map(({ host, port }) => ({ host, port })),
    discovery: 'static',
    reads: { consistency },
    user,
    password,
    database,
    connectionLimit: limit,
    minIdle: limit,
  });
  while (db.topology().nodes.some(({ state }) => state !== 'up')) await sleep(POLL_MS);
  return {
    write: (sql, values) => db.query(sql, values as never),
    read: (sql, values) => db.reader.query(sql, values as never),
    rowsOf,
    close: () => db.end(),
  };
};
