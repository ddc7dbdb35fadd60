import process from 'node:process';
import { AwsPoolConfig } from 'aws-advanced-nodejs-wrapper';
import { AwsMySQLPoolClient } from 'aws-advanced-nodejs-wrapper/mysql';
import type { Address } from '../../scenario.js';
import { type OpenReadWritePool, rowsOf } from './read-write-pool.js';

/** AWS's wrapper with its dialect for any MySQL, which knows of no other server than the one that it is given: one pool for each of two servers. */
export const openAws: OpenReadWritePool = async ({ servers: { source, replicas }, limit }) => {
  // It adds a listener to a connection each time that it lends it. Node warns of the eleventh, for each connection.
  process.removeAllListeners('warning');
  const open = ({ host, port, user, password, database }: Address): AwsMySQLPoolClient =>
    new AwsMySQLPoolClient({ host, port, user, password, database, dialect: 'mysql' }, new AwsPoolConfig({ maxConnections: limit }));
  const [writer, reader] = [open(source), open(replicas[1] as Address)];
  return {
    write: (sql, values) => writer.query(sql, values),
    read: (sql, values) => reader.query(sql, values),
    rowsOf,
    close: () => Promise.all([writer.end(), reader.end()]),
  };
};
