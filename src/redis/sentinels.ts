/** Asks the sentinels which Redis is the master, and confirms that a connection leads to it. */
import type { Socket } from 'node:net';
import { nodeNet } from '../packages/index.js';
import { ignore, setInterval, clearInterval, performance, inRootContext } from '../engine/waiting/index.js';
import { answerWithin, Overdue } from './overdue.js';

/** A connection to one sentinel. */
export interface SentinelClient {
  readonly status: string;
  call(command: string, ...parameters: string[]): Promise<unknown>;
  disconnect(): void;
  close(): void;
}

/** Leads to what was the master when its socket was made. */
export interface MasterClient {
  readonly stream?: Pick<Socket, 'remoteAddress' | 'remotePort' | 'destroy'> | null;
}

/**
 * The master is the one that more than half of the sentinels name. Asking one of them is not enough. An old master that was frozen or cut off
 * while a replica was promoted acts as a master until a sentinel corrects it, some ten seconds later. It answers as always, and a process that
 * is connected to it misses every invalidation that others publish on the new master.
 *
 * Two majorities have a sentinel in common, and no sentinel returns to an older answer. So when two processes get a majority for two masters,
 * the majority for the new master came later.
 */
export class Sentinels {
  readonly #masters: MasterClient[] = [];
  #named: string | undefined = undefined;
  #namedAt = Number.NEGATIVE_INFINITY;
  readonly #timer: NodeJS.Timeout;
  #asking = false;

  /** @param boundMs how long a sentinel may take to answer; each is asked eight times in this time */
  constructor(
    private readonly clients: readonly SentinelClient[],
    private readonly group: string,
    private readonly boundMs: number,
  ) {
    this.#timer = inRootContext(() => setInterval(() => this.#pollSentinels(), boundMs / 8).unref());
  }

  /** Destroys the socket of this connection when another server becomes the master. */
  watchMaster(master: MasterClient): void {
    this.#masters.push(master);
  }

  /** When the sentinels were last asked and named the server of this connection, in milliseconds of `performance.now()`. */
  confirmedAt(master: MasterClient): number {
    return this.#named !== undefined && addressOf(master) === this.#named ? this.#namedAt : Number.NEGATIVE_INFINITY;
  }

  /** Asks now. Resolves when this connection leads to the master; rejects when it does not. */
  async confirm(master: MasterClient): Promise<void> {
    // A connection that is made again meanwhile proves nothing about earlier answers.
    const { stream } = master;
    await this.#askSentinels();
    if (master.stream !== stream || this.confirmedAt(master) < 0) throw new Error('The sentinels name another master');
  }

  close(): void {
    clearInterval(this.#timer);
    for (const client of this.clients) client.close();
  }

  #pollSentinels(): void {
    if (this.#asking) return;
    this.#asking = true;
    this.#askSentinels()
      // Without a majority nothing is confirmed, and `confirm` rejects.
      .catch(ignore)
      .finally(() => {
        this.#asking = false;
      });
  }

  async #askSentinels(): Promise<void> {
    const askedAt = performance.now();
    const named = await this.#findMajority();
    // Answers may arrive out of order.
    if (askedAt < this.#namedAt) return;
    const hasMoved = this.#named !== undefined && named !== this.#named;
    this.#named = named;
    this.#namedAt = askedAt;
    for (const master of this.#masters) {
      const address = addressOf(master);
      // A socket without an address is still connecting, perhaps to a server that does not answer.
      if (address === undefined ? hasMoved : address !== named) master.stream?.destroy();
    }
  }

  /** Resolves as soon as more than half agree. */
  #findMajority(): Promise<string> {
    const needed = Math.floor(this.clients.length / 2) + 1;
    const votes = new Map<string, number>();
    return new Promise((resolve, reject) => {
      const asked = this.clients.map(async (client) => {
        const address = await this.#askSentinel(client);
        const count = (votes.get(address) ?? 0) + 1;
        votes.set(address, count);
        if (count === needed) resolve(address);
      });
      void Promise.allSettled(asked).then(() => reject(new Error('Fewer than half of the sentinels name the same master')));
    });
  }

  async #askSentinel(client: SentinelClient): Promise<string> {
    try {
      const answer = await answerWithin(this.boundMs, client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.group), 'unheld');
      const [host, port] = answer as [string, string];
      return addressText(
        nodeNet().isIP(host) === 0 ? (await process.getBuiltinModule('node:dns/promises').lookup(host)).address : host,
        Number(port),
      );
    } catch (error) {
      // TCP takes minutes to report a dead peer.
      if (error instanceof Overdue) client.disconnect();
      throw error;
    }
  }
}

function addressOf({ stream }: MasterClient): string | undefined {
  const { remoteAddress, remotePort } = stream ?? {};
  return remoteAddress === undefined || remotePort === undefined ? undefined : addressText(remoteAddress, remotePort);
}

function addressText(address: string, port: number): string {
  return `${address.replace(/^::ffff:/, '')} ${port}`;
}
