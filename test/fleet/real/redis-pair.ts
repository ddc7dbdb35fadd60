/** A ledger in Redis behind an address that moves: a server and its replica, of which the replica can take over without the last writes. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type RedisServer, startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';

/** Sends one command to a Redis, and resolves with the beginning of its answer. */
async function command(server: RedisServer, ...words: string[]): Promise<string> {
  const socket: Socket = connect({ host: server.host, port: server.port });
  try {
    socket.write(`${words.join(' ')}\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString('latin1');
  } finally {
    socket.destroy();
  }
}

/** Two servers: one is the ledger, the other one copies it. */
export class RedisPair {
  private constructor(
    public current: RedisServer,
    public other: RedisServer,
  ) {}

  static async start(): Promise<RedisPair> {
    const [first, second] = await Promise.all([
      startRedis({ arguments: ['--repl-diskless-sync-delay', '0'] }),
      startRedis({ arguments: ['--repl-diskless-sync-delay', '0'] }),
    ]);
    const pair = new RedisPair(first, second);
    await pair.copy();
    return pair;
  }

  /** The other one copies from now on. */
  async copy(): Promise<void> {
    await command(this.other, 'REPLICAOF', this.current.host, String(this.current.port));
    await waitFor(
      'the replica to be up to date',
      () => command(this.other, 'INFO', 'replication'),
      (text) => text.includes('master_link_status:up'),
    );
  }

  /** The replica stops copying: what is written from now on will be lost. */
  async fallBehind(): Promise<void> {
    await command(this.other, 'REPLICAOF', 'NO', 'ONE');
  }

  /** The one that copied takes over. */
  async failOver(): Promise<void> {
    await this.current.kill('SIGKILL');
    [this.current, this.other] = [this.other, this.current];
  }

  /** The dead one is back, and copies. */
  async repair(): Promise<void> {
    await this.other.restart();
    await this.copy();
  }

  async stop(): Promise<void> {
    await Promise.all([this.current.stop(), this.other.stop()]);
  }
}
