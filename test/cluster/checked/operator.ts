/** The operator of the check: promotes the replica that has most, makes replaced servers replicas, and repairs what is broken. */

import { setTimeout as delay } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import type { ReplicatedNode, Row } from '../../support/replication/replicated-node.js';
import type { Replication } from '../../support/replication/replication.js';
import { statementsOf } from '../../support/replication/statements.js';
import { waitFor } from '../../support/wait-for.js';
import { TABLES } from './schema.js';

/** More than an interval of the monitors, and the time that a look may take. */
const OUT_OF_SERVICE_MS = 2_500;

/** Rows that one statement inserts. */
const BATCH = 2_000;

/** What a server that was replaced has, and the one in its place has not. */
export interface Found {
  readonly server: ReplicatedNode;
  readonly writer: ReplicatedNode;
  readonly ids: readonly number[];
  /** What a process had sent before it followed the writer may be there. */
  readonly mayHaveBeenSent: boolean;
  /** It has executed what the writer has not. */
  readonly hasMore: boolean;
}

/** Keeps a writer and two replicas running. */
export class Operator {
  #writer: ReplicatedNode;

  constructor(
    readonly servers: Replication,
    /** A server that is to come back was looked into. */
    private readonly found: (found: Found) => void,
  ) {
    this.#writer = servers.nodes[0] as ReplicatedNode;
  }

  get writer(): ReplicatedNode {
    return this.#writer;
  }

  get replicas(): readonly ReplicatedNode[] {
    return this.servers.nodes.filter((node) => node !== this.#writer);
  }

  async switchOver(to: ReplicatedNode): Promise<void> {
    await this.servers.switchOver(this.#writer, to);
    this.#writer = to;
  }

  /** The writer is not asked. Each replica applies what it has received; the one that has most then is promoted. */
  async replaceWriter(): Promise<void> {
    const { replicas } = this;
    await Promise.all(replicas.map((node) => this.servers.stopReceiving(node)));
    const [one, other] = replicas as [ReplicatedNode, ReplicatedNode];
    const to = (await this.#hasAllOf(one, other)) ? one : other;
    await this.servers.failOver(
      to,
      replicas.filter((node) => node !== to),
    );
    this.#writer = to;
  }

  /** A server that was the writer is started again, takes no writes, and becomes a replica with the data of the others. */
  async bringBack(node: ReplicatedNode): Promise<void> {
    await node.server.kill('SIGKILL');
    node.readOnlyAtStart = true;
    await node.restart();
    await this.inspect(node, true);
    await this.rebuild(node);
  }

  /** Looks for rows and transactions that the writer does not have. @returns whether there are any */
  async inspect(node: ReplicatedNode, mayHaveBeenSent: boolean): Promise<boolean> {
    const sql = `SELECT id FROM ${this.servers.database}.written WHERE server = ${node.serverId}`;
    const rows = await node.admin(sql);
    const there = new Set((await this.#writer.admin(sql)).map(({ id }) => Number(id)));
    const ids = rows.map(({ id }) => Number(id)).filter((id) => !there.has(id));
    const hasMore = !mayHaveBeenSent && !(await this.#hasNothingElse(node, 5_000).then(Boolean, () => false));
    this.found({ server: node, writer: this.#writer, ids, mayHaveBeenSent, hasMore });
    return hasMore || ids.length > 0;
  }

  /**
   * Gives a server the data of the other replica, and makes it follow the writer. Meanwhile clients cannot reach it, for longer than one of their
   * looks takes to notice: its GTIDs would not be true.
   */
  async rebuild(node: ReplicatedNode): Promise<void> {
    node.proxy?.refuse();
    node.proxy?.reset();
    await Promise.all([this.#rebuild(node), delay(OUT_OF_SERVICE_MS)]);
    await node.proxy?.accept();
    await this.servers.follow(node, this.#writer);
  }

  async #rebuild(node: ReplicatedNode): Promise<void> {
    const from = this.replicas.find((other) => other !== node) as ReplicatedNode;
    const { database, kind } = this.servers;
    const { stop, leave, unlogged, forget, executed } = statementsOf(kind);
    await this.servers.stopApplying(from);
    const [position] = await from.admin(`SELECT ${executed} AS executed`);
    const data: [string, readonly Row[]][] = [];
    for (const table of TABLES) data.push([table, await from.admin(`SELECT * FROM ${database}.${table}`)]);
    await this.servers.startApplying(from);
    await node.admin(stop, leave);
    // It stays read-only for others.
    if (kind === 'mysql') await node.admin('SET GLOBAL super_read_only = OFF');
    await using session = await createConnection({
      host: node.server.host,
      port: node.server.port,
      user: node.server.adminUser,
      password: node.server.adminPassword,
      database,
    });
    await session.query(unlogged);
    for (const [table, rows] of data) {
      await session.query(`TRUNCATE TABLE ${table}`);
      const columns = Object.keys(rows[0] ?? {});
      for (let first = 0; first < rows.length; first += BATCH) {
        const batch = rows.slice(first, first + BATCH).map((row) => columns.map((column) => row[column]));
        await session.query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ?`, [batch]);
      }
    }
    const text = String(position?.['executed']).replaceAll('\n', '');
    for (const sql of forget) await session.query(sql);
    await session.query(`SET GLOBAL ${kind === 'mysql' ? 'gtid_purged' : 'gtid_slave_pos'} = '${text}'`);
    await this.servers.demote(node);
  }

  /** Removes the rows that keep a replica from continuing. */
  async repair(node: ReplicatedNode): Promise<void> {
    const { unlogged, readOnly } = statementsOf(this.servers.kind);
    const { database } = this.servers;
    const tables = await node.admin(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = '${database}' AND table_name LIKE 'broken%'`,
    );
    if (this.servers.kind === 'mysql') await node.admin('SET GLOBAL super_read_only = OFF');
    await node.admin(unlogged, ...tables.map(({ name }) => `DELETE FROM ${database}.${String(name)}`), ...readOnly(true));
    await this.servers.startApplying(node);
  }

  /** Waits until both replicas have what the writer has, and nothing else. */
  async settle(): Promise<void> {
    await Promise.all(
      this.replicas.map(async (node) => {
        await this.servers.caughtUp(node, this.#writer);
        await this.#hasNothingElse(node);
      }),
    );
  }

  /** Resolves when the writer has all that the replica has. What a replica has alone stops it, or what follows it, at some later fault. */
  async #hasNothingElse(node: ReplicatedNode, timeoutMs = 30_000): Promise<true> {
    const what = `${node.name} to have nothing that the writer ${this.#writer.name} has not`;
    const compare = async (): Promise<true> => {
      const executed = await this.#executed(node);
      const writers = await this.#executed(this.#writer);
      if (await this.#isAllIn(this.#writer, executed, writers)) return true;
      throw new Error(`it has ${executed}; the writer has ${writers}`);
    };
    // It may have applied what the writer waits to have acknowledged.
    return await waitFor(what, compare, Boolean, { timeoutMs, intervalMs: 50 });
  }

  /** Precondition: neither receives anything, and both have applied what they had received. */
  async #hasAllOf(one: ReplicatedNode, other: ReplicatedNode): Promise<boolean> {
    const [mine, others] = await Promise.all([this.#executed(one), this.#executed(other)]);
    return await this.#isAllIn(one, others, mine);
  }

  async #isAllIn(asked: ReplicatedNode, part: string, whole: string): Promise<boolean> {
    if (this.servers.kind !== 'mysql') return numberIn(whole) >= numberIn(part);
    const [row] = await asked.admin(`SELECT GTID_SUBSET('${part}', '${whole}') AS isAll`);
    return Number(row?.['isAll']) === 1;
  }

  async #executed(node: ReplicatedNode): Promise<string> {
    const [row] = await node.admin(`SELECT ${statementsOf(this.servers.kind).executed} AS executed`);
    return String(row?.['executed']).replaceAll('\n', '');
  }
}

/** Of MariaDB's `domain-server-number`; all of them are of one domain here. */
function numberIn(gtid: string): number {
  return Number(/-(\d+)$/.exec(gtid)?.[1] ?? 0);
}
