import { createConnection } from 'mysql2/promise';
import { describe, expect, inject, it } from 'vitest';
import { instanceHost } from '../../../src/cluster/discovery/index.js';
import { startStatementProxy, type StatementProxy } from '../../support/network/statement-proxy.js';
import { createDatabase } from '../../support/servers/database.js';
import { lookAt, type Place } from '../support/look-at.js';

/**
 * Neither Aurora nor TiDB can be had here. Before a real server stands a proxy that answers for their tables: the statements are those that are
 * sent to the real ones, and run on tables with the columns of the documents.
 */
interface Imitation extends AsyncDisposable {
  readonly place: Place;
  run(...statements: readonly string[]): Promise<void>;
}

/** @param columns of the table that the real server has in information_schema, and of its variables */
async function imitate(table: string, columns: string): Promise<Imitation> {
  const server = inject('server');
  const database = await createDatabase();
  await database.admin('CREATE TABLE v (Variable_name VARCHAR(64), Value VARCHAR(1024))');
  await database.admin(`CREATE TABLE ${table} (${columns})`);
  const proxy: StatementProxy = await startStatementProxy({
    port: server.port,
    onStatement: ({ sql, replace }) => {
      if (sql.startsWith('SHOW GLOBAL VARIABLES')) replace(`SELECT * FROM ${database.database}.v`);
      else if (sql.includes(`information_schema.${table}`)) replace(sql.replace('information_schema', database.database));
    },
  });
  const account = { user: server.adminUser, password: server.adminPassword };
  return {
    place: { host: proxy.host, port: proxy.port, ...account },
    run: async (...statements) => {
      await using connection = await createConnection({ host: server.host, port: server.port, database: database.database, ...account });
      for (const sql of statements) await connection.query(sql);
    },
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await database[Symbol.asyncDispose]();
    },
  };
}

describe('a look at Aurora (imitated)', () => {
  /** Of those that the Amazon Aurora User Guide has in "Aurora MySQL–specific information_schema tables". */
  const COLUMNS = `SERVER_ID VARCHAR(100), SESSION_ID VARCHAR(100), LAST_UPDATE_TIMESTAMP DATETIME(6), REPLICA_LAG_IN_MILLISECONDS DOUBLE`;
  /** As it greets: MySQL's version. */
  const VERSION = '8.0.39';
  const variablesOf = (instance: string, readOnly: 'ON' | 'OFF'): string =>
    `REPLACE INTO v VALUES ('aurora_version', '3.08.0'), ('aurora_server_id', '${instance}'), ('innodb_read_only', '${readOnly}'),
      ('read_only', 'OFF'), ('port', '3306'), ('server_uuid', 'the-same-on-all')`;

  it('knows all instances, the writer by its session, and its own lag', async () => {
    await using aurora = await imitate('replica_host_status', COLUMNS);
    await aurora.run(
      `INSERT INTO replica_host_status VALUES ('shop-1', 'MASTER_SESSION_ID', NOW(6), 0), ('shop-2', UUID(), NOW(6), 17.25),
        ('shop-gone', UUID(), NOW(6) - INTERVAL 1 HOUR, 20)`,
      variablesOf('shop-2', 'ON'),
    );
    const reader = await lookAt(aurora.place, 'auto', VERSION);
    expect(reader).toMatchObject({
      serverId: 'shop-2',
      role: 'reader',
      lagMs: 17.25,
      replicating: true,
      executed: undefined,
      complaints: [],
    });
    expect(reader.peers).toEqual([
      { host: 'shop-1', port: 3306, serverId: 'shop-1', role: 'writer', online: true },
      { host: 'shop-2', port: 3306, serverId: 'shop-2', role: 'reader', online: true },
    ]);

    await aurora.run('DELETE FROM v', variablesOf('shop-1', 'OFF'));
    expect(await lookAt(aurora.place, 'aurora', VERSION)).toMatchObject({
      serverId: 'shop-1',
      role: 'writer',
      lagMs: 0,
      replicating: true,
    });
    await aurora.run('DELETE FROM v', variablesOf('shop-3', 'ON'));
    expect(await lookAt(aurora.place, 'auto', VERSION)).toMatchObject({
      serverId: 'shop-3',
      role: 'reader',
      lagMs: undefined,
      replicating: false,
    });
  });

  it.for([
    ['shop.cluster-abc123.eu-west-1.rds.amazonaws.com', 'b.abc123.eu-west-1.rds.amazonaws.com'],
    ['shop.cluster-ro-abc123.eu-west-1.rds.amazonaws.com', 'b.abc123.eu-west-1.rds.amazonaws.com'],
    ['a.abc123.cn-north-1.rds.amazonaws.com.cn', 'b.abc123.cn-north-1.rds.amazonaws.com.cn'],
    ['db.example.com', undefined],
    ['127.0.0.1', undefined],
  ] as const)('makes the host name of an instance from %s', ([known, expected]) => {
    expect(instanceHost('b', known)).toBe(expected);
  });
});

describe('a look at TiDB (imitated)', () => {
  /** Of those that the TiDB 8.1 documentation has in "CLUSTER_INFO". */
  const COLUMNS = 'TYPE VARCHAR(64), INSTANCE VARCHAR(64), STATUS_ADDRESS VARCHAR(64), VERSION VARCHAR(64)';

  it('knows the servers that speak SQL; each of them takes writes, unless it was made read-only', async () => {
    await using tidb = await imitate('cluster_info', COLUMNS);
    await tidb.run(
      `INSERT INTO cluster_info VALUES ('tidb', '10.0.1.1:4000', '10.0.1.1:10080', '8.5.0'), ('tidb', '[fd00::2]:4000', '', '8.5.0'),
        ('pd', '10.0.1.3:2379', '10.0.1.3:2379', '8.5.0'), ('tikv', '10.0.1.4:20160', '10.0.1.4:20180', '8.5.0')`,
      `INSERT INTO v VALUES ('hostname', '10.0.1.1'), ('port', '4000'), ('read_only', 'OFF'), ('tidb_super_read_only', 'OFF')`,
    );
    const reading = await lookAt(tidb.place, 'auto', '8.0.11-TiDB-v8.5.0');
    expect(reading).toMatchObject({
      serverId: '10.0.1.1:4000',
      role: 'writer',
      lagMs: 0,
      replicating: true,
      commitsInOrder: true,
      complaints: [],
    });
    expect(reading.peers).toEqual([
      { host: '10.0.1.1', port: 4000, serverId: '10.0.1.1:4000', role: undefined, online: true },
      { host: 'fd00::2', port: 4000, serverId: undefined, role: undefined, online: true },
    ]);
    await tidb.run("UPDATE v SET Value = 'ON' WHERE Variable_name = 'tidb_super_read_only'");
    expect(await lookAt(tidb.place, 'tidb', '8.0.11-TiDB-v8.5.0')).toMatchObject({ role: 'reader', replicating: true, lagMs: 0 });
  });
});
