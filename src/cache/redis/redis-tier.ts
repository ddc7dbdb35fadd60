/** The tier in Redis: values and locks that all processes share, behind a breaker. */
import { nodeCrypto } from '../../packages/index.js';
import { performance } from '../../engine/waiting/index.js';
import { Histogram } from '../../engine/index.js';
import { Breaker } from '../../resilience/breaker/index.js';
import type { Encryption } from '../contract/index.js';
import { hashOf, type ValueKind } from '../values/index.js';
import { type Envelope, FORMAT, Garbage, openEnvelope, sealEnvelope } from './codec.js';
import { InvalidationLedger } from './ledger.js';
import type { Marks } from '../invalidation/index.js';
import { isFull, type RedisClient } from './redis-client.js';
import { answerWithin, Overdue } from '../../redis/index.js';

export interface RedisTierOptions {
  readonly prefix: string;
  readonly boundMs: number;
  readonly timeoutMs: number;
  readonly lockMs: number;
  readonly encryption: Encryption | undefined;
}

/** A value that was found, and how old it is. */
export interface Found extends Envelope {
  /** Milliseconds since its loading began. */
  readonly ageMs: number;
  readonly bytes: number;
}

/** The right to load a value, for all processes. */
export interface Lock {
  /** Resolves when others may have it. Never rejects. */
  release(): Promise<void>;
}

/** How long the breaker stays open, in milliseconds. */
const OPEN_MS = 1_000;
/** After this many failed probes in a row, the connection is made again. */
const PROBES_TO_RECONNECT = 3;
/** The key that a probe asks for. It never has a value. */
const NOTHING = hashOf('');

/** Values that all processes share. No method rejects: a failure of Redis is counted, and the caller asks the database instead. */
export class RedisTier {
  readonly ledger: InvalidationLedger;
  readonly times = new Histogram();
  readonly errors = { timeout: 0, garbage: 0, full: 0, other: 0 };
  /** While it is open, Redis is not asked for values. Invalidations are still published and read. */
  readonly breaker: Breaker;
  #failedProbes = 0;
  #closed = false;

  constructor(
    private readonly client: RedisClient,
    private readonly reader: RedisClient,
    private readonly marks: Marks,
    private readonly options: RedisTierOptions,
  ) {
    this.breaker = new Breaker({
      name: 'cache',
      consecutiveFailures: 3,
      shortestOpen: OPEN_MS,
      longestOpen: OPEN_MS,
      probeTimeout: Math.max(OPEN_MS, options.timeoutMs),
    });
    this.ledger = new InvalidationLedger(reader, client, marks, options, {
      failed: (error) => this.#noteFailure(error, 0),
      proven: () => this.#probeRedis(),
    });
    let cause: unknown;
    reader.on('error', (error) => {
      cause = error;
    });
    // A connection has ended, or an attempt to make one.
    reader.on('end', () => {
      this.#noteFailure(cause ?? new Error('The connection to Redis was lost'), 0);
      cause = undefined;
    });
  }

  /** Whether Redis is asked for values now. */
  get asked(): boolean {
    return !this.#closed && (this.breaker.closed || this.breaker.state === 'half-open');
  }

  /** A value that is still good, or none. Undefined when Redis does not answer. */
  async get(key: string, kind: ValueKind): Promise<{ readonly found?: Found } | undefined> {
    const hash = hashOf(key);
    const name = this.#nameOf(hash, 'value');
    const answer = await this.#askRedis(() => this.client.getWithLifeBuffer(name));
    if (answer === undefined) return undefined;
    const found = await this.#openFound(hash, kind, ...answer);
    return found === undefined ? {} : { found };
  }

  /**
   * The right to load, unless another process has it; and the value, if it was stored meanwhile. Undefined when Redis does not answer.
   */
  async lockOrGet(key: string, kind: ValueKind): Promise<{ readonly lock?: Lock; readonly found?: Found } | undefined> {
    const hash = hashOf(key);
    const token = nodeCrypto().randomBytes(9).toString('base64url');
    const [lockName, name] = [this.#nameOf(hash, 'lock'), this.#nameOf(hash, 'value')];
    // In this order: a process that stores a value releases its lock after that.
    const answer = await this.#askRedis(() =>
      Promise.all([
        this.client.set(lockName, token, 'PX', this.options.lockMs, 'NX').catch((error: unknown) => this.#countFull(error)),
        this.client.getWithLifeBuffer(name),
      ]),
    );
    if (answer === undefined) return undefined;
    // A Redis without room for locks: each process loads for itself.
    const lock: Lock = {
      release: async () => {
        if (answer[0] === 'OK') await this.#askRedis(() => this.client.releaseLock(lockName, token));
      },
    };
    const found = await this.#openFound(hash, kind, ...answer[1]);
    return { ...(answer[0] === null ? {} : { lock }), ...(found === undefined ? {} : { found }) };
  }

  /**
   * Returns whether it was stored.
   *
   * @param ledger the ledger that `position` is a place in
   * @param ageMs how long ago its loading began
   */
  async set(
    key: string,
    ledger: string,
    envelope: Pick<Envelope, 'position' | 'lifeMs' | 'freshMs'>,
    content: Buffer,
    ageMs: number,
  ): Promise<boolean> {
    const leftMs = Math.floor(envelope.lifeMs - ageMs);
    if (leftMs < 1) return false;
    const hash = hashOf(key);
    try {
      const sealed = await sealEnvelope(hash, envelope, content, this.options.encryption);
      return (await this.#askRedis(() => this.client.set(this.#nameOf(hash, 'value', ledger), sealed, 'PX', leftMs))) === 'OK';
    } catch {
      // The application's encryption has failed.
      this.errors.other += 1;
      return false;
    }
  }

  close(): void {
    this.#closed = true;
    this.ledger.close();
    this.client.close();
    this.reader.close();
  }

  async #openFound(hash: string, kind: ValueKind, sealed: Buffer | null, leftMs: number): Promise<Found | undefined> {
    if (sealed === null) return undefined;
    try {
      if (typeof leftMs !== 'number' || !Buffer.isBuffer(sealed)) throw new Garbage('not what was asked for');
      const envelope = await openEnvelope(hash, sealed, this.options.encryption);
      if (leftMs < 0 || !this.marks.isGoodAt(this.marks.marksOf(envelope.names), envelope.position)) return undefined;
      const value = envelope.refused ? undefined : kind.unpack(envelope.value);
      return { ...envelope, value, ageMs: envelope.lifeMs - leftMs, bytes: sealed.length };
    } catch {
      this.errors.garbage += 1;
      return undefined;
    }
  }

  /** In a cluster, a value and its lock are on one node. The name holds the ledger's id: the values of an older ledger are never found. */
  #nameOf(hash: string, what: 'value' | 'lock', ledger = this.ledger.id): string {
    return `${this.options.prefix}:${FORMAT}:${ledger.slice(-12)}:{${hash}}:${what}`;
  }

  async #askRedis<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (this.#closed || this.breaker.refusal() !== undefined) return undefined;
    const startedAt = performance.now();
    try {
      const answer = await answerWithin(this.options.timeoutMs, command());
      const durationMs = performance.now() - startedAt;
      this.breaker.succeeded(durationMs);
      this.times.record(durationMs);
      return answer;
    } catch (error) {
      this.#noteFailure(error, performance.now() - startedAt);
      return undefined;
    }
  }

  /** Asks Redis while the breaker is open: no caller waits for a probe, and a process without callers closes its breaker too. */
  #probeRedis(): void {
    if (this.breaker.closed || this.breaker.snapshot().nextProbeInMs !== 0) return;
    void this.#askRedis(() => this.client.pttl(this.#nameOf(NOTHING, 'value'))).then((answer) => {
      this.#failedProbes = answer === undefined ? this.#failedProbes + 1 : 0;
      // The other connection still reads the ledger, so this one is dead, and TCP takes minutes to report that.
      if (this.#failedProbes < PROBES_TO_RECONNECT || this.#closed) return;
      this.#failedProbes = 0;
      this.client.disconnect(true);
    });
  }

  /** A full Redis refuses what it has no room for, but it answers and its values are served: the breaker stays closed. */
  #countFull(error: unknown): 'full' {
    if (!isFull(error)) throw error;
    this.errors.full += 1;
    return 'full';
  }

  #noteFailure(error: unknown, durationMs: number): void {
    if (this.#closed) return;
    if (isFull(error)) {
      this.errors.full += 1;
      this.breaker.succeeded(durationMs);
      return;
    }
    if (error instanceof Overdue) this.errors.timeout += 1;
    else this.errors.other += 1;
    this.breaker.failed(error, durationMs);
  }
}
