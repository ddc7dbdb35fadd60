import type { ServerKind } from '../sql-servers/kinds.js';

/** Where a replica finds its source, and the account that it logs in with. */
export interface SourceAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** The statements of replication, which MySQL and MariaDB spell differently. */
export interface ReplicationStatements {
  /** Arguments that make a server one of a replicated set. */
  readonly arguments: (serverId: number, port: number, readOnly: boolean) => readonly string[];
  readonly semiSync: {
    /** More arguments for every server: as a replica, it says what it has received. */
    readonly arguments: readonly string[];
    /** More arguments for one that takes writes: it waits for that, however long. */
    readonly ofSource: readonly string[];
    /** Whether a running server waits for it. One that waits must not be a replica: it would wait with what it applies, too. */
    readonly waits: (yes: boolean) => readonly string[];
  };
  /** Forgets all that the server has logged and executed. */
  readonly forget: readonly string[];
  readonly stop: string;
  readonly start: string;
  /** It follows no source any more. */
  readonly leave: string;
  readonly follow: (source: SourceAddress) => readonly string[];
  /** Takes away, or gives back, the right to write. */
  readonly readOnly: (yes: boolean) => readonly string[];
  /** Statements run without a trace in the log. */
  readonly unlogged: string;
  readonly stopApplying: string;
  readonly startApplying: string;
  readonly stopReceiving: string;
  /** Applies everything this many seconds late. */
  readonly delay: (seconds: number) => readonly string[];
  readonly status: string;
  /** The names of the columns of the status. */
  readonly columns: { readonly receiving: string; readonly applying: string; readonly error: string; readonly received: string };
  /** What a server has executed, as one value. */
  readonly executed: string;
  /** Waits until a server has executed a position, for this many seconds; the value is 0 when it has. */
  readonly waitFor: (position: string, seconds: number) => string;
}

const HOST = '127.0.0.1';

const FOREVER_MS = 360_000_000;

const COMMON: readonly string[] = [
  '--log-bin=binlog',
  `--report-host=${HOST}`,
  // The servers live for a minute, and SIGKILL leaves what the system has been given.
  '--sync-binlog=0',
  // So that each takes little memory.
  '--max-connections=300',
  '--table-open-cache=256',
  '--table-definition-cache=400',
];

const MYSQL: ReplicationStatements = {
  arguments: (serverId, port, readOnly) => [
    ...COMMON,
    `--server-id=${serverId}`,
    `--report-port=${port}`,
    '--gtid-mode=ON',
    '--enforce-gtid-consistency=ON',
    '--log-replica-updates=ON',
    '--relay-log=relay',
    '--relay-log-recovery=ON',
    // A source that is cut off is noticed within seconds.
    '--replica-net-timeout=4',
    `--super-read-only=${readOnly ? 'ON' : 'OFF'}`,
    // What the views of replication do not need.
    '--performance-schema-digests-size=50',
    '--performance-schema-events-statements-history-long-size=10',
    '--performance-schema-events-waits-history-long-size=10',
    '--performance-schema-events-stages-history-long-size=10',
    '--performance-schema-events-transactions-history-long-size=10',
    '--performance-schema-max-digest-length=256',
    '--performance-schema-max-sql-text-length=256',
  ],
  semiSync: {
    arguments: [
      '--plugin-load-add=semisync_source.so',
      '--plugin-load-add=semisync_replica.so',
      `--rpl-semi-sync-source-timeout=${FOREVER_MS}`,
      '--rpl-semi-sync-replica-enabled=ON',
    ],
    ofSource: ['--rpl-semi-sync-source-enabled=ON'],
    waits: (yes) => [`SET GLOBAL rpl_semi_sync_source_enabled = ${yes ? 'ON' : 'OFF'}`],
  },
  forget: ['RESET BINARY LOGS AND GTIDS'],
  stop: 'STOP REPLICA',
  start: 'START REPLICA',
  leave: 'RESET REPLICA ALL',
  follow: ({ host, port, user, password }) => [
    `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '${host}', SOURCE_PORT = ${port}, SOURCE_USER = '${user}', SOURCE_PASSWORD = '${password}',
      SOURCE_AUTO_POSITION = 1, SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400, SOURCE_HEARTBEAT_PERIOD = 1, GET_SOURCE_PUBLIC_KEY = 1`,
  ],
  readOnly: (yes) => (yes ? ['SET GLOBAL super_read_only = ON'] : ['SET GLOBAL super_read_only = OFF', 'SET GLOBAL read_only = OFF']),
  unlogged: 'SET SESSION sql_log_bin = 0',
  stopApplying: 'STOP REPLICA SQL_THREAD',
  startApplying: 'START REPLICA SQL_THREAD',
  stopReceiving: 'STOP REPLICA IO_THREAD',
  delay: (seconds) => ['STOP REPLICA SQL_THREAD', `CHANGE REPLICATION SOURCE TO SOURCE_DELAY = ${seconds}`, 'START REPLICA SQL_THREAD'],
  status: 'SHOW REPLICA STATUS',
  columns: { receiving: 'Replica_IO_Running', applying: 'Replica_SQL_Running', error: 'Last_SQL_Error', received: 'Retrieved_Gtid_Set' },
  executed: '@@GLOBAL.gtid_executed',
  waitFor: (position, seconds) => `WAIT_FOR_EXECUTED_GTID_SET('${position}', ${seconds})`,
};

const MARIADB: ReplicationStatements = {
  arguments: (serverId, port, readOnly) => [
    ...COMMON,
    `--server-id=${serverId}`,
    `--report-port=${port}`,
    '--log-slave-updates=ON',
    '--gtid-strict-mode=ON',
    '--relay-log=relay',
    '--relay-log-recovery=ON',
    '--slave-net-timeout=4',
    // In the order of the source, in parallel.
    '--slave-parallel-threads=2',
    `--read-only=${readOnly ? 'ON' : 'OFF'}`,
  ],
  semiSync: {
    arguments: [
      `--rpl-semi-sync-master-timeout=${FOREVER_MS}`,
      // No session sees what no replica has.
      '--rpl-semi-sync-master-wait-point=AFTER_SYNC',
      '--rpl-semi-sync-slave-enabled=ON',
    ],
    ofSource: ['--rpl-semi-sync-master-enabled=ON'],
    waits: (yes) => [`SET GLOBAL rpl_semi_sync_master_enabled = ${yes ? 'ON' : 'OFF'}`],
  },
  forget: ['RESET MASTER', "SET GLOBAL gtid_slave_pos = ''"],
  stop: 'STOP SLAVE',
  start: 'START SLAVE',
  leave: 'RESET SLAVE ALL',
  follow: ({ host, port, user, password }) => [
    `CHANGE MASTER TO MASTER_HOST = '${host}', MASTER_PORT = ${port}, MASTER_USER = '${user}', MASTER_PASSWORD = '${password}',
      MASTER_USE_GTID = slave_pos, MASTER_DEMOTE_TO_SLAVE = 1, MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 1`,
  ],
  readOnly: (yes) => [`SET GLOBAL read_only = ${yes ? 'ON' : 'OFF'}`],
  unlogged: 'SET SESSION sql_log_bin = 0',
  stopApplying: 'STOP SLAVE SQL_THREAD',
  startApplying: 'START SLAVE SQL_THREAD',
  stopReceiving: 'STOP SLAVE IO_THREAD',
  delay: (seconds) => ['STOP SLAVE', `CHANGE MASTER TO MASTER_DELAY = ${seconds}`, 'START SLAVE'],
  status: 'SHOW SLAVE STATUS',
  columns: { receiving: 'Slave_IO_Running', applying: 'Slave_SQL_Running', error: 'Last_SQL_Error', received: 'Gtid_IO_Pos' },
  executed: '@@GLOBAL.gtid_current_pos',
  waitFor: (position, seconds) => `MASTER_GTID_WAIT('${position}', ${seconds})`,
};

/** The statements of this kind of server. */
export function statementsOf(kind: ServerKind): ReplicationStatements {
  return kind === 'mysql' ? MYSQL : MARIADB;
}
