import { lookup } from 'node:dns/promises';
import { isIP, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { ignore } from '../../engine/waiting/index.js';
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
 * Who is the master, by what more than half of the sentinels say. An old master that was frozen or cut off while a replica was promoted goes
 * on as a master of its own until it is told, which takes a sentinel some ten seconds: whoever is connected to it hears of no invalidation
 * that others tell the new one, and it answers as ever. Two majorities have a sentinel in common, and none goes back to an older answer; so
 * of two processes that were both given a majority for their master, the one that was given it for the new master was the later.
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
    this.#timer = setInterval(() => this.#pollSentinels(), boundMs / 8).unref();
  }

  /** Its socket is destroyed when the master is another one. */
  watchMaster(master: MasterClient): void {
    this.#masters.push(master);
  }

  /** When it was asked whether this connection leads to the master, the last time that it did; in milliseconds of `performance.now()`. */
  confirmedAt(master: MasterClient): number {
    return this.#named !== undefined && addressOf(master) === this.#named ? this.#namedAt : Number.NEGATIVE_INFINITY;
  }

  /** Resolves when this connection leads to the master, asked now. */
  async confirm(master: MasterClient): Promise<void> {
    // What was answered before came by this one.
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
      // Without a majority nothing is confirmed; whoever needs it is told.
      .catch(ignore)
      .finally(() => {
        this.#asking = false;
      });
  }

  async #askSentinels(): Promise<void> {
    const askedAt = performance.now();
    const named = await this.#findMajority();
    // Answers may overtake each other.
    if (askedAt < this.#namedAt) return;
    const hasMoved = this.#named !== undefined && named !== this.#named;
    this.#named = named;
    this.#namedAt = askedAt;
    for (const master of this.#masters) {
      const address = addressOf(master);
      // Without an address it is connecting, perhaps to one that does not answer.
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
      return addressText(isIP(host) === 0 ? (await lookup(host)).address : host, Number(port));
    } catch (error) {
      // TCP takes minutes to say that nobody is there.
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
