/** What a server says of itself in its variables: one statement that every kind of server understands. */

import { saysReadOnly, READ_ONLY_VARIABLES } from '../../mysql/index.js';
import type { NodeConnection, NodeRole, Peer } from '../contract/index.js';
import { numberOf, cellText } from './interview.js';

const OTHERS = [
  'server_uuid',
  'server_id',
  'hostname',
  'port',
  'report_host',
  'report_port',
  'gtid_mode',
  'performance_schema',
  'replica_preserve_commit_order',
  'slave_preserve_commit_order',
  'replica_parallel_workers',
  'slave_parallel_workers',
  'group_replication_group_name',
  'aurora_server_id',
  'aurora_version',
];

const SHOW_VARIABLES = `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${[...READ_ONLY_VARIABLES, ...OTHERS].map((name) => `'${name}'`).join(', ')})`;

/** Kinds of servers that speak differently of replication. */
export type Product = 'mysql' | 'mariadb' | 'tidb' | 'aurora';

/** A server's variables, read. */
export class ServerFacts {
  readonly product: Product;
  readonly role: NodeRole;

  constructor(
    readonly version: string,
    private readonly variables: ReadonlyMap<string, string>,
  ) {
    this.product = /mariadb/i.test(version)
      ? 'mariadb'
      : /tidb/i.test(version)
        ? 'tidb'
        : variables.has('aurora_version') || variables.has('aurora_server_id')
          ? 'aurora'
          : 'mysql';
    this.role = READ_ONLY_VARIABLES.some((name) => variables.has(name) && saysReadOnly(variables.get(name))) ? 'reader' : 'writer';
  }

  text(name: string): string {
    return this.variables.get(name) ?? '';
  }

  /** Whether it has GTIDs of MySQL's kind. */
  get hasGtids(): boolean {
    return this.text('gtid_mode').startsWith('ON');
  }

  get hasPerformanceSchema(): boolean {
    return isOn(this.variables.get('performance_schema'));
  }

  /** It was configured to be in a group, whether it is now or not. */
  get group(): string {
    return this.text('group_replication_group_name');
  }

  /** What distinguishes this server from every other. */
  get serverId(): string {
    const place = `${this.text('hostname')}:${this.text('port')}`;
    switch (this.product) {
      case 'mariadb':
        return `${this.text('server_id')} ${place}`;
      case 'tidb':
        return place;
      case 'aurora':
        return this.text('aurora_server_id') || this.text('server_uuid');
      case 'mysql':
        return this.text('server_uuid');
    }
  }

  /** Transactions that it applies become visible in the order in which its source committed them. */
  get appliesInOrder(): boolean {
    if (this.product !== 'mysql') return true;
    const workers = numberOf(this.variables.get('replica_parallel_workers') ?? this.variables.get('slave_parallel_workers')) ?? 0;
    return workers <= 1 || isOn(this.variables.get('replica_preserve_commit_order') ?? this.variables.get('slave_preserve_commit_order'));
  }

  /** Itself, by the address that it reports to others, if it reports one. */
  get self(): readonly Peer[] {
    const host = this.text('report_host');
    const port = numberOf(this.text('report_port')) || numberOf(this.text('port')) || 0;
    return host === '' ? [] : [{ host, port, serverId: this.serverId, role: this.role, online: true }];
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== 'OFF' && value !== '0' && value !== '';
}

export async function readFacts(connection: NodeConnection): Promise<ServerFacts> {
  const rows = await connection.rows(SHOW_VARIABLES);
  const variables = rows.map((row) => Object.values(row).map(cellText) as [string, string]);
  return new ServerFacts(connection.version, new Map(variables));
}
