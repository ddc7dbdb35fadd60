import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { Histogram } from '../../engine/index.js';
import { Breaker } from '../../resilience/breaker/index.js';
import type { Encryption } from '../contract/index.js';
import { type Envelope, FORMAT, Garbage, hashOf, openEnvelope, sealEnvelope, type ValueKind } from '../values/index.js';
import { Ledger } from './ledger.js';
import type { Marks } from '../invalidation/index.js';
import { isFull, type RedisClient } from './redis-client.js';
import { answerWithin, Overdue } from './overdue.js';

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

/** How long Redis is left alone, in milliseconds. */
const OPEN_MS = 1_000;
/** After so many in a row that failed, the connection is made anew. */
const PROBES_TO_RECONNECT = 3;
/** What the tier asks for by itself, to see whether Redis answers again. */
const NOTHING = hashOf('');

/** Values that all processes share. Nothing here rejects: what Redis cannot do is counted, and the database does it. */
export class RedisTier {
  readonly ledger: Ledger;
  readonly times = new Histogram();
  readonly errors = { timeout: 0, garbage: 0, full: 0, other: 0 };
  /** While it is open, Redis is not asked for values; invalidations are told and heard of all the same. */
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
    this.ledger = new Ledger(reader, client, marks, options, {
      failed: (error) => this.#noteFailure(error, 0),
      proven: () => this.#probeRedis(),
    });
    let cause: unknown;
    reader.on('error', (error) => {
      cause = error;
    });
    // Of a connection, and of each attempt to make one.
    reader.on('end', () => {
      this.#noteFailure(cause ?? new Error('The connection to Redis was lost'), 0);
      cause = undefined;
    });
  }

  /** Whether Redis is asked for values now, as far as is known. */
  get asked(): boolean {
    return !this.#closed && (this.breaker.closed || this.breaker.state === 'half-open');
  }

  /** A value that is still good, or none. Undefined when Redis cannot say. */
  async get(key: string, kind: ValueKind): Promise<{ readonly found?: Found } | undefined> {
    const hash = hashOf(key);
    const name = this.#nameOf(hash, 'value');
    const answer = await this.#askRedis(() => this.client.getWithLifeBuffer(name));
    if (answer === undefined) return undefined;
    const found = await this.#openFound(hash, kind, ...answer);
    return found === undefined ? {} : { found };
  }

  /**
   * The right to load, unless somebody has it; and the value, if somebody has stored it meanwhile. Undefined when Redis cannot say.
   */
  async lockOrGet(key: string, kind: ValueKind): Promise<{ readonly lock?: Lock; readonly found?: Found } | undefined> {
    const hash = hashOf(key);
    const token = randomBytes(9).toString('base64url');
    const [lockName, name] = [this.#nameOf(hash, 'lock'), this.#nameOf(hash, 'value')];
    // In this order: whoever stores a value releases the lock after that.
    const answer = await this.#askRedis(() =>
      Promise.all([
        this.client.set(lockName, token, 'PX', this.options.lockMs, 'NX').catch((error: unknown) => this.#countFull(error)),
        this.client.getWithLifeBuffer(name),
      ]),
    );
    if (answer === undefined) return undefined;
    // Without room for locks each process loads for itself.
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
      // The user's encryption has failed.
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

  /** In a cluster, a value and its lock are in one place. A ledger that begins anew makes all older values unknown. */
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

  /** No caller has to wait for a probe, and a process without callers is not left with an open breaker. */
  #probeRedis(): void {
    if (this.breaker.closed || this.breaker.snapshot().nextProbeInMs !== 0) return;
    void this.#askRedis(() => this.client.pttl(this.#nameOf(NOTHING, 'value'))).then((answer) => {
      this.#failedProbes = answer === undefined ? this.#failedProbes + 1 : 0;
      // The ledger is heard over the other connection: this one leads nowhere, and TCP takes minutes to say so.
      if (this.#failedProbes < PROBES_TO_RECONNECT || this.#closed) return;
      this.#failedProbes = 0;
      this.client.disconnect(true);
    });
  }

  /** A Redis that refuses what it has no room for answers, and what it has is served: no reason to stop asking. */
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
