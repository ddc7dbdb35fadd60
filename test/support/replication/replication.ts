import { randomBytes } from 'node:crypto';
import type { ServerKind } from '../sql-servers/kinds.js';
import { waitFor } from '../wait-for.js';
import { allOrNone, type ReplicatedNode, type Row, startReplicatedNode } from './replicated-node.js';
import { type ReplicationStatements, statementsOf } from './statements.js';

/** How to start a source with its replicas. */
export interface ReplicationOptions {
  /** Default: `mysql`. */
  readonly kind?: ServerKind;
  /** Default: 2. */
  readonly replicas?: number;
  /** Whether a proxy stands before each node, for its clients and for the other nodes. Default: true. */
  readonly proxied?: boolean;
  /** Whether a commit is acknowledged only when a replica has received it, however long that takes, and visible to no session before. Default: false. */
  readonly semiSync?: boolean;
  /** More arguments for each server. */
  readonly arguments?: readonly string[];
}

/** What an operator does with a source and its replicas. Disposing ends all of them. */
export interface Replication extends AsyncDisposable {
  readonly kind: ServerKind;
  /** The first one is the source at the start. */
  readonly nodes: readonly ReplicatedNode[];
  /** The database that all of them have, and the account of applications in it. */
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Makes an account on the source, which its replicas get from it, too. */
  createAccount(source: ReplicatedNode, grants: readonly string[]): Promise<{ readonly user: string; readonly password: string }>;
  /** Takes away the right to write. What is being committed is committed first. */
  demote(node: ReplicatedNode): Promise<void>;
  /** Gives it back. */
  letWrite(node: ReplicatedNode): Promise<void>;
  /** A replica applies what it has received, stops following, and takes writes. */
  promote(node: ReplicatedNode): Promise<void>;
  /** It follows another source from now on, wherever it was. It keeps its right to write, or not to. */
  follow(node: ReplicatedNode, source: ReplicatedNode): Promise<void>;
  /** A planned switch: the old source is demoted, the new one has all that it had, and the others follow it, the old one too. */
  switchOver(from: ReplicatedNode, to: ReplicatedNode): Promise<void>;
  /** After the loss of a source: of these replicas, the first is promoted, and the others follow it. The source is not asked. */
  failOver(to: ReplicatedNode, others: readonly ReplicatedNode[]): Promise<void>;
  /** A replica receives, and does not apply. */
  stopApplying(node: ReplicatedNode): Promise<void>;
  startApplying(node: ReplicatedNode): Promise<void>;
  /** A replica receives nothing more, and applies all that it has received: what it is asked before it may be promoted. */
  stopReceiving(node: ReplicatedNode): Promise<void>;
  /** A replica applies everything this many seconds late; 0: at once. */
  delay(node: ReplicatedNode, seconds: number): Promise<void>;
  /** A replica meets a row that contradicts what it is to apply: its replication stops with an error. Resolves when it has stopped. */
  break(node: ReplicatedNode, source: ReplicatedNode): Promise<void>;
  /** The status of its replication; undefined: it follows no source. */
  status(node: ReplicatedNode): Promise<Row | undefined>;
  /** Waits until a node has all that the other one has now. */
  caughtUp(node: ReplicatedNode, source: ReplicatedNode): Promise<void>;
}

const REPLICATOR = 'replicator';
const PATIENCE_SECONDS = 60;
const PATIENCE = { timeoutMs: PATIENCE_SECONDS * 1_000, intervalMs: 20 };

class StartedReplication implements Replication {
  readonly #statements: ReplicationStatements;
  readonly #replicatorPassword = randomBytes(12).toString('hex');
  readonly database: string;
  readonly user: string;
  readonly password: string;

  constructor(
    readonly kind: ServerKind,
    readonly nodes: readonly ReplicatedNode[],
    private readonly semiSync: boolean,
  ) {
    this.#statements = statementsOf(kind);
    const [{ connection }] = nodes as [ReplicatedNode];
    this.database = connection.database;
    this.user = connection.user;
    this.password = connection.password;
  }

  /** Gives all nodes the same accounts and an empty log, and makes the others follow the first. */
  async prepare(): Promise<void> {
    const { unlogged, forget } = this.#statements;
    await Promise.all(
      this.nodes.map((node) =>
        node.admin(
          unlogged,
          `CREATE USER '${REPLICATOR}'@'%' IDENTIFIED BY '${this.#replicatorPassword}'`,
          `GRANT REPLICATION SLAVE ON *.* TO '${REPLICATOR}'@'%'`,
          ...forget,
        ),
      ),
    );
    const [source, ...replicas] = this.nodes as [ReplicatedNode, ...ReplicatedNode[]];
    await Promise.all(replicas.map((replica) => this.#makeReplica(replica, source)));
    await this.letWrite(source);
  }

  async createAccount(source: ReplicatedNode, grants: readonly string[]): Promise<{ readonly user: string; readonly password: string }> {
    const user = `user_${randomBytes(4).toString('hex')}`;
    const password = randomBytes(12).toString('hex');
    await source.admin(
      `CREATE USER '${user}'@'%' IDENTIFIED BY '${password}'`,
      ...grants.map((grant) => `GRANT ${grant} TO '${user}'@'%'`),
    );
    return { user, password };
  }

  async demote(node: ReplicatedNode): Promise<void> {
    const { readOnly, semiSync } = this.#statements;
    await node.admin(...readOnly(true), ...(this.semiSync ? semiSync.waits(false) : []));
    node.readOnlyAtStart = true;
  }

  async letWrite(node: ReplicatedNode): Promise<void> {
    const { readOnly, semiSync } = this.#statements;
    await node.admin(...(this.semiSync ? semiSync.waits(true) : []), ...readOnly(false));
    node.readOnlyAtStart = false;
  }

  async promote(node: ReplicatedNode): Promise<void> {
    const { stop, leave } = this.#statements;
    await this.stopReceiving(node);
    await node.admin(stop, leave);
    await this.letWrite(node);
  }

  async follow(node: ReplicatedNode, { host, port }: ReplicatedNode): Promise<void> {
    const { stop, follow, start } = this.#statements;
    await node.admin(stop, ...follow({ host, port, user: REPLICATOR, password: this.#replicatorPassword }), start);
  }

  async switchOver(from: ReplicatedNode, to: ReplicatedNode): Promise<void> {
    await this.demote(from);
    await this.caughtUp(to, from);
    await this.promote(to);
    await Promise.all(this.nodes.filter((node) => node !== to).map((node) => this.follow(node, to)));
  }

  async failOver(to: ReplicatedNode, others: readonly ReplicatedNode[]): Promise<void> {
    await this.promote(to);
    await Promise.all(others.map((node) => this.follow(node, to)));
  }

  async stopApplying(node: ReplicatedNode): Promise<void> {
    await node.admin(this.#statements.stopApplying);
  }

  async startApplying(node: ReplicatedNode): Promise<void> {
    await node.admin(this.#statements.startApplying);
  }

  async stopReceiving(node: ReplicatedNode): Promise<void> {
    const { columns, startApplying, stopReceiving } = this.#statements;
    // In this order: MariaDB throws away what a replica has received when it is started while neither of its threads runs.
    await node.admin(startApplying, stopReceiving);
    const received = (((await this.status(node))?.[columns.received] as string | undefined) ?? '').replaceAll('\n', '');
    if (received !== '') await this.#waitFor(node, received);
  }

  async delay(node: ReplicatedNode, seconds: number): Promise<void> {
    await node.admin(...this.#statements.delay(seconds));
  }

  async break(node: ReplicatedNode, source: ReplicatedNode): Promise<void> {
    const { unlogged, readOnly, columns } = this.#statements;
    const table = `${this.database}.broken_${randomBytes(4).toString('hex')}`;
    await node.admin(
      unlogged,
      ...readOnly(false),
      `CREATE TABLE ${table} (id INT PRIMARY KEY)`,
      `INSERT INTO ${table} VALUES (1)`,
      ...readOnly(true),
    );
    await source.admin(`CREATE TABLE IF NOT EXISTS ${table} (id INT PRIMARY KEY)`, `INSERT INTO ${table} VALUES (1)`);
    await waitFor(
      `the end of replication on ${node.name}`,
      () => this.status(node),
      (status) => status?.[columns.applying] === 'No' && status[columns.error] !== '',
      PATIENCE,
    );
  }

  async status(node: ReplicatedNode): Promise<Row | undefined> {
    return (await node.admin(this.#statements.status))[0];
  }

  async caughtUp(node: ReplicatedNode, source: ReplicatedNode): Promise<void> {
    const [row] = await source.admin(`SELECT ${this.#statements.executed} AS executed`);
    const executed = String(row?.['executed']).replaceAll('\n', '');
    if (executed !== '') await this.#waitFor(node, executed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }

  async #makeReplica(node: ReplicatedNode, source: ReplicatedNode): Promise<void> {
    const { columns } = this.#statements;
    await this.demote(node);
    await this.follow(node, source);
    await waitFor(
      `${node.name} to follow ${source.name}`,
      () => this.status(node),
      (status) => status?.[columns.receiving] === 'Yes' && status[columns.applying] === 'Yes',
      PATIENCE,
    );
  }

  async #waitFor(node: ReplicatedNode, position: string): Promise<void> {
    const [row] = await node.admin(`SELECT ${this.#statements.waitFor(position, PATIENCE_SECONDS - 5)} AS reached`);
    if (Number(row?.['reached']) !== 0)
      throw new Error(`${node.name} did not get to ${position}: ${JSON.stringify(await this.status(node))}`);
  }
}

/**
 * Starts a source and its replicas on free loopback ports, each with a data folder of its own: replication by GTIDs, and only the source takes
 * writes. They end with this process.
 *
 * @example
 * await using servers = await startReplication();
 * const [source, replica] = servers.nodes;
 * await servers.switchOver(source, replica);
 */
export async function startReplication(options: ReplicationOptions = {}): Promise<Replication> {
  const { kind = 'mysql', replicas = 2, proxied = true, semiSync = false } = options;
  const statements = statementsOf(kind);
  const more = [...(semiSync ? statements.semiSync.arguments : []), ...(options.arguments ?? [])];
  // A commit that waited for replicas while they are set up would wait forever.
  let isPrepared = false;
  const ofSource = (readOnly: boolean): readonly string[] => (semiSync && isPrepared && !readOnly ? statements.semiSync.ofSource : []);
  const password = randomBytes(12).toString('base64url');
  const starting = Array.from({ length: replicas + 1 }, (_, index) =>
    startReplicatedNode({
      kind,
      serverId: index + 1,
      proxied,
      password,
      arguments: (port, readOnly) => [...statements.arguments(index + 1, port, readOnly), ...more, ...ofSource(readOnly)],
    }),
  );
  const started = new StartedReplication(kind, await allOrNone(starting), semiSync);
  try {
    await started.prepare();
    isPrepared = true;
    return started;
  } catch (error) {
    await started[Symbol.asyncDispose]();
    throw error;
  }
}
