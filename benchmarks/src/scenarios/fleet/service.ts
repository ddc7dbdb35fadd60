/** A service of many processes before a server of its own, whose limit is the budget: it moves demand, and looks at the server. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import mysql, { type Connection } from 'mysql2/promise';
import type { PrivateServer } from '../../../../dist/demo/private-server.js';
import { startServer } from '../../runner/servers.js';
import { seededRandom, shuffled } from '../../runner/shuffle.js';
import type { Access, FromMember, ToMember } from './messages.js';

const MEMBER = fileURLToPath(new URL('member.js', import.meta.url));
/** How often the server is asked how many connections it has. */
const SAMPLE_MS = 10;

export interface ServiceSettings {
  readonly processes: number;
  /** What the server allows. */
  readonly budget: number;
  readonly access: Access;
}

/** Requests of a round. */
export interface Load {
  /** Processes that are busy; others are after each move. */
  readonly busy: number;
  readonly busyPerSecond: number;
  readonly quietPerSecond: number;
  readonly moves: number;
  readonly moveMs: number;
  readonly seed: number;
}

export interface Outcome {
  /** Milliseconds from arrival to answer. */
  readonly answers: readonly number[];
  readonly failed: number;
  /** Connections that the server has refused because it had too many. */
  readonly refused: number;
  /** The most connections at the server. */
  readonly peak: number;
}

export class Service {
  private constructor(
    private readonly server: PrivateServer,
    private readonly admin: Connection,
    private readonly members: readonly ChildProcess[],
  ) {}

  static async start({ processes, budget, access }: ServiceSettings): Promise<Service> {
    // One for the administrator's own connection.
    const server = await startServer('mariadb', [`--max-connections=${budget + 1}`]);
    const { host, port, user, password, database, adminUser, adminPassword } = server;
    const admin = await mysql.createConnection({ host, port, user: adminUser, password: adminPassword });
    const address = { host, port, user, password, database };
    const members = Array.from({ length: processes }, () => fork(MEMBER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    await Promise.all(members.map((member) => asked(member, { kind: 'setup', address, access })));
    return new Service(server, admin, members);
  }

  async run({ busy, busyPerSecond, quietPerSecond, moves, moveMs, seed }: Load): Promise<Outcome> {
    const random = seededRandom(seed);
    const refusedBefore = await this.#refused();
    const stop = new AbortController();
    const peak = this.#peakUntil(stop.signal);
    let order = shuffled([...this.members.keys()], seed);
    for (let move = 0; move < moves; move += 1) {
      const isBusy = new Set(order.slice(0, busy));
      // Those that were busy are not in the next move.
      order = [...order.slice(busy), ...order.slice(0, busy)];
      for (const [index, member] of this.members.entries())
        member.send({
          kind: 'demand',
          perSecond: isBusy.has(index) ? busyPerSecond : quietPerSecond,
          seed: random() * 2 ** 31,
        } satisfies ToMember);
      await sleep(moveMs);
    }
    const told = await Promise.all(this.members.map((member) => asked(member, { kind: 'tell' })));
    stop.abort();
    const done = told.filter((message) => message.kind === 'told');
    return {
      answers: done.flatMap(({ answers }) => answers),
      failed: done.reduce((sum, { failed }) => sum + failed, 0),
      refused: (await this.#refused()) - refusedBefore,
      peak: await peak,
    };
  }

  async close(): Promise<void> {
    await Promise.all(
      this.members.map(async (member) => {
        const ended = once(member, 'exit');
        member.kill('SIGKILL');
        await ended;
      }),
    );
    this.admin.destroy();
    await this.server.stop();
  }

  async #refused(): Promise<number> {
    const [rows] = await this.admin.query("SHOW GLOBAL STATUS LIKE 'Connection_errors_max_connections'");
    return Number((rows as { Value: string }[])[0]?.Value);
  }

  async #peakUntil(signal: AbortSignal): Promise<number> {
    let peak = 0;
    while (!signal.aborted) {
      const [rows] = await this.admin.query("SHOW GLOBAL STATUS LIKE 'Threads_connected'");
      // Without the one that asks.
      peak = Math.max(peak, Number((rows as { Value: string }[])[0]?.Value) - 1);
      await sleep(SAMPLE_MS);
    }
    return peak;
  }
}

async function asked(member: ChildProcess, message: ToMember): Promise<FromMember> {
  const answer = once(member, 'message') as Promise<[FromMember]>;
  member.send(message);
  return (await answer)[0];
}
