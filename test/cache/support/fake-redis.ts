import { EventEmitter, once } from 'node:events';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { RedisClient } from '../../../src/cache/redis/redis-client.js';

/** The part of a Redis that the ledger uses, in this process: it can lose its run, refuse writes and hold garbage. */
export class FakeRedis {
  run = 'run1';
  /** What publishing rejects with; undefined: it works. */
  refusal: Error | undefined = undefined;
  readonly disconnected: string[] = [];
  #log: [id: string, fields: string[]][] = [];
  #count = 0;
  readonly #added = new EventEmitter();

  get length(): number {
    return this.#count;
  }

  /** Another server takes over, with nothing of what there was. */
  restart(run: string): void {
    this.run = run;
    this.#log = [];
    this.#count = 0;
  }

  add(message: string): number {
    this.#count += 1;
    this.#log.push([`${this.#count}-0`, ['names', message]]);
    this.#added.emit('entry');
    return this.#count;
  }

  /** A connection that is ready. */
  client(name: string): RedisClient {
    const client = {
      status: 'ready',
      confirm: () => Promise.resolve(),
      confirmedAt: () => Number.POSITIVE_INFINITY,
      joinLedger: () => Promise.resolve([this.run, String(this.#count)]),
      xrange: () => Promise.resolve(this.#log),
      xread: (...parameters: (string | number)[]) => this.#read(Number(parameters[3]), Number.parseInt(String(parameters.at(-1)), 10)),
      publishToLedger: async (_id: string, _counter: string, _log: string, expected: string, message: string) => {
        if (this.refusal !== undefined) throw this.refusal;
        return expected === this.run ? this.add(message) : 0;
      },
      del: () => {
        this.restart(`${this.run}+`);
        return Promise.resolve(1);
      },
      disconnect: () => this.disconnected.push(name),
    };
    return client as unknown as RedisClient;
  }

  async #read(blockMs: number, after: number): Promise<unknown> {
    // As over a network: an answer never comes in the same turn of the event loop.
    await nextTurn();
    if (after >= this.#count) {
      const over = new AbortController();
      const added = once(this.#added, 'entry', { signal: over.signal }).catch(() => undefined);
      await Promise.race([added, pause(blockMs)]);
      over.abort();
    }
    const entries = this.#log.slice(after);
    return entries.length === 0 ? null : [['log', entries]];
  }
}
