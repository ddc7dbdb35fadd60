/** A fleet of real processes before a real server whose limit is just above the budget, with a ledger in Redis, and a network to each that can fail. */

import type { Connection } from 'mysql2/promise';
import type { PoolOptions } from '../../../src/mysql/index.js';
import { startTcpProxy, type TcpProxy } from '../../support/network/tcp-proxy.js';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { startServer } from '../../support/sql-servers/this-server.js';
import { type MovingDoor, startMovingDoor } from './moving-door.js';
import { FleetProcess } from './processes.js';
import { RedisPair } from './redis-pair.js';
import { Sampler } from './sampler.js';

/** Connections that the server has beside the budget: the administrator's and one that looks at the server. */
const BESIDE = 3;

export interface RealFleetOptions {
  /** Processes at the beginning. */
  readonly count: number;
  /** Processes that may exist at once. */
  readonly processes: number;
  readonly budget: number;
  readonly leaseMs: number;
  /** The part of its usual time that each phase takes. */
  readonly pace: number;
  /** How long each statement takes, in seconds. */
  readonly statementSeconds: number;
  /** Of the first processes, so many reach the database through a network that can fail. */
  readonly throughNetwork: number;
}

/** One process with its networks. */
export interface Member {
  readonly name: string;
  readonly process: FleetProcess;
  readonly toLedger: TcpProxy;
  readonly toDatabase: TcpProxy | undefined;
}

export class RealFleet {
  readonly members: Member[] = [];
  /** Processes that were ended or killed. */
  readonly gone: Member[] = [];
  #started = 0;

  private constructor(
    readonly options: RealFleetOptions,
    readonly database: TestDatabase,
    readonly redis: RedisPair,
    readonly sampler: Sampler,
    readonly admin: Connection,
    private readonly door: MovingDoor,
    private readonly stopServer: () => Promise<void>,
  ) {}

  static async start(options: RealFleetOptions): Promise<RealFleet> {
    const [server, redis] = await Promise.all([
      startServer({ arguments: [`--max-connections=${options.budget + BESIDE}`] }),
      RedisPair.start(),
    ]);
    const database = await createDatabase(server);
    const admin = await database.connectAsAdmin();
    const door = await startMovingDoor(() => redis.current.port);
    const isFrozen = (name: string): boolean =>
      fleet.members.some((member) => member.process.frozen && name === fleet.#databaseOf(member.name));
    const sampler = new Sampler(await database.connectAsAdmin(), database.user, options.budget, isFrozen);
    const fleet: RealFleet = new RealFleet(options, database, redis, sampler, admin, door, () => server.stop());
    await Promise.all(Array.from({ length: options.count }, () => fleet.add()));
    return fleet;
  }

  get alive(): readonly Member[] {
    return this.members;
  }

  /** Each process has a database of its own, so that the server's list shows whose a connection is. */
  #databaseOf(name: string): string {
    return `${this.database.database}_${name}`;
  }

  async add(): Promise<Member> {
    const { budget, processes, leaseMs, throughNetwork, statementSeconds } = this.options;
    const number = this.#started++;
    const name = `p${number}`;
    const database = this.#databaseOf(name);
    await this.admin.query(`CREATE DATABASE ${database}`);
    await this.admin.query(`GRANT ALL ON ${database}.* TO '${this.database.user}'@'%'`);
    const toLedger = await startTcpProxy({ port: this.door.port });
    const toDatabase = number < throughNetwork ? await startTcpProxy({ port: this.database.port }) : undefined;
    const fleet = { name: 'real', budget, processes, floor: 2, lease: leaseMs, ledger: `redis://127.0.0.1:${toLedger.port}` };
    const port = toDatabase?.port ?? this.database.port;
    const options: PoolOptions = { ...this.database.connection, database, port, minIdle: 0, name, connectionLimit: budget, fleet };
    const process = await FleetProcess.start(name, options, statementSeconds);
    const member = { name, process, toLedger, toDatabase };
    this.members.push(member);
    return member;
  }

  async kill(member: Member): Promise<void> {
    member.process.excused = true;
    await member.process.kill();
    this.#away(member);
  }

  async end(member: Member): Promise<void> {
    await member.process.end();
    this.#away(member);
  }

  #away(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1);
    this.gone.push(member);
  }

  /** What was not done yet is cut: the ledger's address leads to the server that is in charge now. */
  moveLedger(): void {
    this.door.cut();
  }

  /** Connections that the server has refused because it had too many, by its own count. */
  async refusals(): Promise<number> {
    const [rows] = await this.admin.query("SHOW GLOBAL STATUS LIKE 'Connection_errors_max_connections'");
    return Number((rows as { Value: string }[])[0]?.Value);
  }

  async stop(): Promise<void> {
    for (const { process } of this.members) if (process.frozen) process.thaw();
    await Promise.all(this.members.map(({ process }) => process.kill()));
    await this.sampler.stop();
    await Promise.all(
      [...this.members, ...this.gone].map(({ toLedger, toDatabase }) => Promise.all([toLedger.stop(), toDatabase?.stop()])),
    );
    this.door.stop();
    await Promise.all([this.redis.stop(), this.stopServer()]);
  }
}
