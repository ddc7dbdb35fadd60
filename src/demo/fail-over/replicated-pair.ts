/** Two MariaDB servers, of which one follows the other, and what an operator does with them. */
import { randomBytes } from 'node:crypto';
import { createPool, type NodeOptions } from '../../index.js';
import { startMariaDb } from '../mariadb-server.js';
import type { PrivateServer } from '../private-server.js';

/** Pools of the operator have this name. The page does not show them. */
export const OPERATOR = 'operator';

/** The one table of the application. */
export const ORDERS_TABLE = 'orders';

const REPLICATOR = 'replicator';
const CATCH_UP_SECONDS = 20;

type Row = Readonly<Record<string, string | number | null>>;

interface Member {
  readonly server: PrivateServer;
  /** What its configuration says when it starts. */
  serverId: number;
  readOnly: boolean;
}

/** A writer and its replica, with replication by GTIDs. */
export class ReplicatedPair {
  #lastServerId = 2;
  readonly #password = randomBytes(12).toString('hex');

  private constructor(
    private writer: Member,
    private replica: Member,
  ) {}

  /**
   * Starts both servers at the same time, each on a free port and in a folder of its own.
   *
   * @throws Error when one does not start, with the end of its log; the other one is ended then
   */
  static async start(): Promise<ReplicatedPair> {
    const [first, second] = await Promise.allSettled([startMember(1), startMember(2)]);
    if (first.status === 'fulfilled' && second.status === 'fulfilled') {
      const pair = new ReplicatedPair(first.value, second.value);
      try {
        await pair.#prepare();
        return pair;
      } catch (error) {
        await pair.stop();
        throw error;
      }
    }
    for (const one of [first, second]) if (one.status === 'fulfilled') await one.value.server.stop();
    throw [first, second].find((one) => one.status === 'rejected')?.reason;
  }

  /** `host:port` of the server that takes writes. */
  get writerName(): string {
    return nameOf(this.writer);
  }

  get replicaName(): string {
    return nameOf(this.replica);
  }

  /** How an application reaches them, over verified TLS. */
  get nodes(): readonly NodeOptions[] {
    return [this.writer, this.replica].map(({ server: { host, port, user, password, database, caCertificate: ca } }) => {
      return { host, port, user, password, database, ssl: { ca } };
    });
  }

  /** The writer ends without a goodbye. */
  async killWriter(): Promise<void> {
    await this.writer.server.kill('SIGKILL');
  }

  /** The replica applies all that it has received, and takes writes from now on. The lost writer is the replica, once it is back. */
  async promoteReplica(): Promise<void> {
    await asOperator(this.replica, async (run) => {
      await run('STOP SLAVE IO_THREAD');
      const [status] = await run('SHOW SLAVE STATUS');
      await waitForPosition(run, String(status?.['Gtid_IO_Pos'] ?? ''));
      for (const sql of ['STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = OFF']) await run(sql);
    });
    this.replica.readOnly = false;
    [this.writer, this.replica] = [this.replica, this.writer];
  }

  /**
   * Starts the lost server again, as the replica. It may have logged a write that no other server has, so it forgets all and gets everything from
   * the writer. Resolves when it has what the writer had.
   */
  async bringBackReplica(): Promise<void> {
    this.replica.readOnly = true;
    // A replica skips what a server with its own number has written, and this one needs that, too.
    this.replica.serverId = this.#lastServerId += 1;
    await this.replica.server.restart();
    await this.#follow(`DROP TABLE IF EXISTS ${this.replica.server.database}.${ORDERS_TABLE}`);
    const position = await asOperator(this.writer, async (run) => {
      const [row] = await run('SELECT @@GLOBAL.gtid_binlog_pos AS position');
      return String(row?.['position'] ?? '');
    });
    await asOperator(this.replica, (run) => waitForPosition(run, position));
  }

  /** Ends both and removes their folders. What they hold is for nothing else, so they need not end gracefully. */
  async stop(): Promise<void> {
    await Promise.all(
      [this.writer, this.replica].map(async ({ server }) => {
        await server.kill('SIGKILL');
        await server.stop();
      }),
    );
  }

  /** Gives both the accounts and an empty log, so that no account travels by replication. */
  async #prepare(): Promise<void> {
    await Promise.all(
      [this.writer, this.replica].map((member) =>
        asOperator(member, async (run) => {
          await run(`CREATE USER '${REPLICATOR}'@'%' IDENTIFIED BY '${this.#password}'`);
          await run(`GRANT REPLICATION SLAVE ON *.* TO '${REPLICATOR}'@'%'`);
          await run(`GRANT SLAVE MONITOR, REPLICATION MASTER ADMIN ON *.* TO '${member.server.user}'@'%'`);
          await run('RESET MASTER');
        }),
      ),
    );
    this.replica.readOnly = true;
    await this.#follow('SET GLOBAL read_only = ON');
  }

  /** @param before runs on the replica, and leaves no trace in its log */
  async #follow(before: string): Promise<void> {
    const { host, port } = this.writer.server;
    await asOperator(this.replica, async (run) => {
      for (const sql of [before, 'RESET MASTER', "SET GLOBAL gtid_slave_pos = ''"]) await run(sql);
      await run(
        `CHANGE MASTER TO MASTER_HOST = '${host}', MASTER_PORT = ${port}, MASTER_USER = '${REPLICATOR}', MASTER_PASSWORD = '${this.#password}', MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 1`,
      );
      await run('START SLAVE');
    });
  }
}

async function startMember(serverId: number): Promise<Member> {
  const member = { serverId, readOnly: false };
  const server = await startMariaDb({
    arguments: (port) => [
      '--log-bin=binlog',
      `--server-id=${member.serverId}`,
      '--report-host=127.0.0.1',
      `--report-port=${port}`,
      '--log-slave-updates=ON',
      '--gtid-strict-mode=ON',
      '--relay-log=relay',
      '--relay-log-recovery=ON',
      '--slave-net-timeout=4',
      `--read-only=${member.readOnly ? 'ON' : 'OFF'}`,
    ],
  });
  return Object.assign(member, { server });
}

function nameOf({ server: { host, port } }: Member): string {
  return `${host}:${port}`;
}

type Run = (sql: string) => Promise<readonly Row[]>;

async function asOperator<T>({ server }: Member, work: (run: Run) => Promise<T>): Promise<T> {
  const { host, port, adminUser, adminPassword, caCertificate } = server;
  const account = { user: adminUser, password: adminPassword, ssl: { ca: caCertificate } };
  const pool = createPool({ name: OPERATOR, host, port, ...account, connectionLimit: 1, minIdle: 0 });
  try {
    return await work(async (sql) => (await pool.query(sql))[0] as unknown as readonly Row[]);
  } finally {
    await pool.end();
  }
}

/** @throws Error when it takes too long */
async function waitForPosition(run: Run, position: string): Promise<void> {
  if (position === '') return;
  const [row] = await run(`SELECT MASTER_GTID_WAIT('${position}', ${CATCH_UP_SECONDS}) AS late`);
  if (Number(row?.['late']) !== 0) throw new Error(`The replica did not get to ${position} within ${CATCH_UP_SECONDS} s.`);
}
