import { randomBytes, randomUUID } from 'node:crypto';
import { freePort } from '../network/free-port.js';
import { fetchedVersions } from '../../../scripts/servers/fetch.mjs';
import { waitFor } from '../wait-for.js';
import { allOrNone, type ReplicatedNode, startReplicatedNode } from './replicated-node.js';
import { statementsOf } from './statements.js';

/** How to start a group. */
export interface GroupOptions {
  /** Default: 3. */
  readonly members?: number;
  /** Whether a proxy stands before each member, for its clients. Members talk to each other past it. Default: true. */
  readonly proxied?: boolean;
  /** More arguments for each server. */
  readonly arguments?: readonly string[];
}

/** A member as a group sees it. */
export interface Member {
  /** `host:port`. */
  readonly name: string;
  readonly state: string;
  readonly role: string;
}

/** MySQL Group Replication with a single primary. Disposing ends all members. */
export interface Group extends AsyncDisposable {
  /** The first one is the primary at the start. */
  readonly nodes: readonly ReplicatedNode[];
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** The members as this one sees them. */
  members(node: ReplicatedNode): Promise<readonly Member[]>;
  /** The primary as this member sees it; undefined: there is none. */
  primary(node: ReplicatedNode): Promise<ReplicatedNode | undefined>;
  /** A planned switch. Resolves when the group has another primary. */
  switchOver(to: ReplicatedNode): Promise<void>;
  /** A member leaves in order. */
  leave(node: ReplicatedNode): Promise<void>;
  /** A member comes back, such as after a restart. Resolves when it is online. */
  join(node: ReplicatedNode): Promise<void>;
}

const RECOVERY = 'recovery';
const PATIENCE = { intervalMs: 50 };
const HOST = '127.0.0.1';

const MEMBERS = `SELECT MEMBER_HOST AS host, MEMBER_PORT AS port, MEMBER_STATE AS state, MEMBER_ROLE AS role
  FROM performance_schema.replication_group_members WHERE MEMBER_ID <> '' ORDER BY MEMBER_PORT`;

class StartedGroup implements Group {
  readonly #recoveryPassword = randomBytes(12).toString('hex');
  readonly database: string;
  readonly user: string;
  readonly password: string;

  constructor(readonly nodes: readonly ReplicatedNode[]) {
    const [{ connection }] = nodes as [ReplicatedNode];
    this.database = connection.database;
    this.user = connection.user;
    this.password = connection.password;
  }

  async prepare(): Promise<void> {
    const [first, ...others] = this.nodes as [ReplicatedNode, ...ReplicatedNode[]];
    await Promise.all(
      this.nodes.map((node) =>
        node.admin(
          'SET SESSION sql_log_bin = 0',
          `CREATE USER '${RECOVERY}'@'%' IDENTIFIED BY '${this.#recoveryPassword}'`,
          `GRANT REPLICATION SLAVE, BACKUP_ADMIN, CONNECTION_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO '${RECOVERY}'@'%'`,
          ...statementsOf('mysql').forget,
          `CHANGE REPLICATION SOURCE TO SOURCE_USER = '${RECOVERY}', SOURCE_PASSWORD = '${this.#recoveryPassword}' FOR CHANNEL 'group_replication_recovery'`,
        ),
      ),
    );
    await first.admin(
      'SET GLOBAL group_replication_bootstrap_group = ON',
      'START GROUP_REPLICATION',
      'SET GLOBAL group_replication_bootstrap_group = OFF',
    );
    // One after the other: a group takes one new member at a time.
    for (const node of others) await this.join(node);
    // A server that starts again takes no writes until its group says so.
    for (const node of this.nodes) node.readOnlyAtStart = true;
  }

  async members(node: ReplicatedNode): Promise<readonly Member[]> {
    const rows = await node.admin(MEMBERS);
    return rows.map(({ host, port, state, role }) => ({
      name: `${String(host)}:${String(port)}`,
      state: String(state),
      role: String(role),
    }));
  }

  async primary(node: ReplicatedNode): Promise<ReplicatedNode | undefined> {
    const found = (await this.members(node)).find(({ role, state }) => role === 'PRIMARY' && state === 'ONLINE');
    return this.nodes.find(({ name }) => name === found?.name);
  }

  async switchOver(to: ReplicatedNode): Promise<void> {
    await to.admin(`SELECT group_replication_set_as_primary(@@GLOBAL.server_uuid)`);
  }

  async leave(node: ReplicatedNode): Promise<void> {
    await node.admin('STOP GROUP_REPLICATION');
  }

  async join(node: ReplicatedNode): Promise<void> {
    await node.admin('START GROUP_REPLICATION');
    await waitFor(
      `${node.name} to be online`,
      () => this.members(node),
      (members) => members.some(({ name, state }) => name === node.name && state === 'ONLINE'),
      PATIENCE,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}

/** Why there can be no group here; undefined: there can. */
export function groupsAreMissing(): string | undefined {
  return fetchedVersions('mysql') === undefined ? 'Group Replication comes with MySQL, which is not there.' : undefined;
}

/**
 * Starts a group of MySQL servers on free loopback ports, each with a data folder of its own, with a single primary. They end with this process.
 *
 * @example
 * await using group = await startGroup();
 * await group.switchOver(group.nodes[1]);
 */
export async function startGroup(options: GroupOptions = {}): Promise<Group> {
  const { members = 3, proxied = true } = options;
  const statements = statementsOf('mysql');
  const password = randomBytes(12).toString('base64url');
  const name = randomUUID();
  const addresses = await Promise.all(Array.from({ length: members }, async () => `${HOST}:${await freePort(HOST)}`));
  const settings = [
    '--plugin-load-add=group_replication.so',
    `--loose-group-replication-group-name=${name}`,
    `--loose-group-replication-group-seeds=${addresses.join(',')}`,
    '--loose-group-replication-start-on-boot=OFF',
    '--loose-group-replication-single-primary-mode=ON',
    '--loose-group-replication-recovery-get-public-key=ON',
    // A member that was lost is expelled as soon as the group may: five seconds after its last word.
    '--loose-group-replication-member-expel-timeout=0',
    '--loose-group-replication-exit-state-action=READ_ONLY',
    '--loose-group-replication-message-cache-size=134217728',
    ...(options.arguments ?? []),
  ];
  const starting = addresses.map((address, index) =>
    startReplicatedNode({
      kind: 'mysql',
      serverId: index + 1,
      proxied,
      password,
      arguments: (port, readOnly) => [
        ...statements.arguments(index + 1, port, readOnly),
        ...settings,
        `--loose-group-replication-local-address=${address}`,
      ],
    }),
  );
  const group = new StartedGroup(await allOrNone(starting));
  try {
    await group.prepare();
    return group;
  } catch (error) {
    await group[Symbol.asyncDispose]();
    throw error;
  }
}
