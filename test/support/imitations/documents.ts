/** When they were read. */
export const READ = '2026-11-29';

/** Where a claim was read: the title of the document, or the file of the product's own sources. */
export const DOCUMENTS = {
  tidbCode: 'pingcap/tidb, pkg/server/conn.go',
  tidbErrno: 'pingcap/tidb, pkg/errno/errname.go',
  tidbErrors: 'TiDB documentation, “Error Codes and Troubleshooting”',
  tidbConfiguration: 'TiDB documentation, “TiDB Configuration File”',
  tidbKill: 'TiDB documentation, “KILL”',
  tidbCloud: 'TiDB Cloud documentation, “Limitations and Quotas of TiDB Cloud Starter and Essential”',
  vitessServer: 'vitessio/vitess, go/mysql/conn.go and go/vt/vtgate/plugin_mysql_server.go',
  vitessSession: 'vitessio/vitess, go/vt/vtgate/safe_session.go',
  vitessErrors: 'vitessio/vitess, go/mysql/sqlerror/sql_error.go',
  vitessErrorPage: 'Vitess documentation 21.0, “Query Serving” errors',
  vitessBuffering: 'Vitess documentation 21.0, “VTGate Buffering”',
  vitessCompatibility: 'Vitess documentation 21.0, “MySQL Compatibility”',
  planetScaleLimits: 'PlanetScale documentation, “PlanetScale system limits”',
  proxySqlSession: 'sysown/proxysql, lib/MySQL_Session.cpp',
  proxySqlThread: 'sysown/proxysql, lib/MySQL_Thread.cpp',
  proxySqlMultiplexing: 'ProxySQL documentation, “Multiplexing”',
  maxScaleClient: 'mariadb-corporation/MaxScale, server/modules/protocol/MariaDB/mariadb_client.cc',
  maxScaleSplit: 'mariadb-corporation/MaxScale, readwritesplit/rwsplit_route_stmt.cc',
  maxScaleGuide: 'MaxScale documentation, “Configuration Guide”',
  maxScaleRouter: 'MaxScale documentation, “Readwritesplit”',
  maxScaleLimits: 'MaxScale documentation, “Limitations”',
  auroraReadOnly: 'AWS re:Post knowledge center, on read-only errors after a fail-over of Aurora (aurora-mysql-db-cluser-read-only-error)',
  auroraTables: 'Amazon Aurora User Guide, “Aurora MySQL–specific information_schema tables”',
  rdsPinning: 'Amazon RDS User Guide, “Avoiding pinning an RDS Proxy”',
  rdsConnections: 'Amazon RDS User Guide, “RDS Proxy connection considerations”',
  rdsTroubleshooting: 'Amazon RDS User Guide, “Troubleshooting for RDS Proxy”',
} as const;
