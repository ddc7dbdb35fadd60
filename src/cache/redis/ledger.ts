/** The ledger: all processes' invalidations in one order in Redis, and the proof that this process knows them. */
import { nodeCrypto } from '../../packages/index.js';
import { clearTimeout, pause, performance, setTimeout, inRootContext } from '../../engine/waiting/index.js';
import { EVERYTHING, isOfSchema, type Marks } from '../invalidation/index.js';
import { isFull, type RedisClient } from './redis-client.js';
import { answerWithin, Overdue } from '../../redis/index.js';

/** What the ledger needs. */
export interface LedgerOptions {
  readonly prefix: string;
  /** How long another process may serve an older value after a write was acknowledged, in milliseconds. */
  readonly boundMs: number;
  /** How long a command may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Gets the ledger's failures and proofs. */
export interface LedgerListener {
  failed(error: unknown): void;
  /** The process knows all invalidations up to now. Called many times a second. */
  proven(): void;
}

/** About how many invalidations Redis keeps for processes that join. */
const KEPT = 10_000;
const BATCH = 1_000;
/** How long an answer counts, in bounds. The remaining quarter is for an invalidation that reaches a slow Redis after its writer stopped waiting. */
const LEASE = 0.75;
/** How long a process serves nothing after a break, in bounds: time for the slowest process to publish its backlog. */
const GRACE = 2;
/** More names than this at once are published as everything. */
const MOST_NAMES = 10_000;
const PAUSE_AFTER_FAILURE_MS = 25;

type LogEntry = readonly [id: string, fields: readonly string[]];

/**
 * The list of invalidations in Redis, in one order for all processes. Each process reads it continuously. An answer proves that the process
 * knows all invalidations from before its question. For three quarters of `boundMs` after the question the process may serve what it has, and
 * then not until the next answer. So a process that receives no invalidations serves no stale values, for any cause.
 *
 * After a break, a process waits for twice the bound: other processes may have been cut off too, with invalidations that they could not publish.
 */
export class InvalidationLedger {
  readonly #keys: readonly [id: string, counter: string, log: string];
  readonly #origin = nodeCrypto().randomBytes(9).toString('base64url');
  #id: string | undefined = undefined;
  /** The run of the Redis that the ledger is or was in. */
  #run: string | undefined = undefined;
  #position = 0;
  #leaseUntil = 0;
  #provenAt = Number.NEGATIVE_INFINITY;
  #trustedFrom = Number.POSITIVE_INFINITY;
  #closed = false;
  /** Names that are still to be published. */
  #backlog = new Set<string>();
  #publishing: Promise<void> | undefined = undefined;
  #retry: NodeJS.Timeout | undefined = undefined;
  #breaks = 0;
  /** When this process last invalidated less than everything, by the schema as it knew it. */
  #judgedAt = Number.NEGATIVE_INFINITY;

  constructor(
    /** Reading blocks a connection, so it needs one of its own. */
    private readonly reader: RedisClient,
    private readonly writer: RedisClient,
    private readonly marks: Marks,
    private readonly options: LedgerOptions,
    private readonly listener: LedgerListener,
  ) {
    const { prefix } = options;
    this.#keys = [`{${prefix}}:ledger`, `{${prefix}}:count`, `{${prefix}}:log`];
    void this.#followLedger();
  }

  /** The position in the ledger up to which this process knows the invalidations. */
  get position(): number {
    return this.#position;
  }

  /** Values carry it: those of another ledger are not trusted. */
  get id(): string {
    return this.#id ?? '';
  }

  /** Invalidations that are not in the ledger yet. */
  get backlog(): number {
    return this.#backlog.size;
  }

  /** How often the process could not prove in time that it knows all invalidations. */
  get breaks(): number {
    return this.#breaks;
  }

  /** Whether this process may serve what it has. */
  isLive(now: number): boolean {
    return now < this.#leaseUntil && now >= this.#trustedFrom;
  }

  /** In how many milliseconds it will be live, if nothing goes wrong; undefined while it cannot read the ledger. */
  liveIn(now: number): number | undefined {
    return now < this.#leaseUntil ? Math.max(this.#trustedFrom - now, 0) : undefined;
  }

  /**
   * Invalidates these names, in this process at once. Resolves when the invalidation is in the ledger for the others. When that takes too long
   * it resolves too, and the invalidation is published later.
   */
  invalidate(names: readonly string[]): Promise<void> {
    this.marks.noteOwnInvalidation(names, (name) => !this.#backlog.has(name));
    for (const name of names) this.#backlog.add(name);
    if (this.#backlog.size > MOST_NAMES) this.#replaceByEverything();
    if (this.#id === undefined || this.writer.status !== 'ready') {
      this.#retryLater();
      return Promise.resolve();
    }
    const published = this.#publishPending();
    const now = performance.now();
    if (!names.includes(EVERYTHING)) this.#judgedAt = now;
    // When Redis has been silent for so long, no other process serves what it has, and there is nothing to wait for.
    return now < this.#provenAt + GRACE * this.options.boundMs ? published : Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#leaseUntil = 0;
    clearTimeout(this.#retry);
  }

  /** Publishes one message at a time. Names that come meanwhile are part of the next one. Never rejects. */
  async #publishPending(over = this.writer): Promise<void> {
    // The message under way does not have the names that were added just now.
    if (this.#publishing !== undefined) await this.#publishing;
    this.#publishing ??= this.#publishBacklog(over).finally(() => {
      this.#publishing = undefined;
    });
    await this.#publishing;
  }

  async #publishBacklog(over: RedisClient): Promise<void> {
    const names = [...this.#backlog];
    if (names.length === 0 || this.#id === undefined) return;
    this.#backlog = new Set();
    const message = JSON.stringify([this.#origin, names]);
    try {
      const position = await answerWithin(this.#publishTimeoutMs, this.#publishMessage(over, this.#id, message));
      if (position > 0) {
        this.marks.settlePending(names, position);
        return;
      }
    } catch (error) {
      this.listener.failed(error);
      if (isFull(error)) await this.#dropLedger();
    }
    this.#returnToBacklog(names);
    this.#retryLater();
  }

  /** Returns the message's position; 0 when the ledger is another one. The server must still be the master when it has the message. */
  async #publishMessage(over: RedisClient, id: string, message: string): Promise<number> {
    const position = await over.publishToLedger(...this.#keys, id, message, KEPT);
    if (position > 0) await over.confirm();
    return position;
  }

  /** Other processes serve again soon after Redis is back. Until then they must know what this process could not publish. */
  #retryLater(): void {
    if (this.#retry !== undefined || this.#closed) return;
    const retry = (): void => {
      this.#retry = undefined;
      if (this.#backlog.size === 0) return;
      if (this.#id === undefined || this.writer.status !== 'ready') this.#retryLater();
      else void this.#publishPending();
    };
    this.#retry = inRootContext(() => setTimeout(retry, PAUSE_AFTER_FAILURE_MS).unref());
  }

  /** The names will be published again. A name that was added meanwhile is pending twice, so one of the two is settled. */
  #returnToBacklog(names: readonly string[]): void {
    for (const name of names) {
      if (this.#backlog.has(name)) this.marks.settlePending([name], 0);
      else this.#backlog.add(name);
    }
  }

  #replaceByEverything(): void {
    const ofSchema = [...this.#backlog].filter(isOfSchema);
    this.marks.noteOwnInvalidation([EVERYTHING], (name) => !this.#backlog.has(name));
    for (const name of [EVERYTHING, ...ofSchema]) this.#backlog.delete(name);
    this.marks.settlePending(this.#backlog, 0);
    this.#backlog = new Set([EVERYTHING, ...ofSchema]);
  }

  /** Short enough that the message after this one is published within the bound too, even while Redis is slow. */
  get #publishTimeoutMs(): number {
    return Math.min(this.options.timeoutMs, this.options.boundMs / 5);
  }

  /** For a full server that refuses even invalidations, which Redis itself does not: without a ledger no process serves what may have changed. */
  async #dropLedger(): Promise<void> {
    try {
      await answerWithin(this.options.timeoutMs, this.writer.del(this.#keys[0]));
    } catch (failure) {
      this.listener.failed(failure);
    }
  }

  async #followLedger(): Promise<void> {
    while (!this.#closed) {
      try {
        if (this.reader.status === 'ready') {
          if (this.#id === undefined) await this.#joinLedger();
          else await this.#readEntries();
          continue;
        }
      } catch (error) {
        if (this.#closed) return;
        this.listener.failed(error);
        if (error instanceof Overdue) this.reader.disconnect(true);
      }
      // Other processes may be cut off by the same failure, with invalidations to publish.
      this.#leaseUntil = 0;
      await pause(PAUSE_AFTER_FAILURE_MS, { hold: 'unheld' });
    }
  }

  async #joinLedger(): Promise<void> {
    const sentAt = performance.now();
    const [id, count] = await answerWithin(this.options.boundMs, this.#readCounter(), 'unheld');
    // Others may have published on an old master until this confirmation. The marks begin again after it, not before.
    await answerWithin(this.options.boundMs, this.reader.confirm(), 'unheld');
    this.#adoptLedger(id);
    const past = (await answerWithin(this.options.boundMs, this.reader.xrange(this.#keys[2], '-', `${count}-0`), 'unheld')) as LogEntry[];
    const first = past[0];
    // Values from before the first entry that is kept cannot be judged.
    this.marks.noteGap(first === undefined ? Number(count) : positionOf(first) - 1);
    for (const entry of past) {
      const message = messageOf(entry);
      if (message === undefined) this.marks.noteGap(positionOf(entry));
      else this.marks.notePastInvalidation(message.names, positionOf(entry));
    }
    this.#position = Number(count);
    this.#extendLease(sentAt);
  }

  /**
   * Waits for invalidations, for an eighth of the bound; Redis may take 100 ms more to notice that the time is over. With entries or without,
   * the answer proves that the process knows all invalidations from before the question.
   */
  async #readEntries(): Promise<void> {
    const sentAt = performance.now();
    const { boundMs } = this.options;
    // The writer is not connected, or its publishing failed. This connection leads to the server that the others read.
    if (this.#backlog.size > 0 && this.#publishing === undefined) void this.#publishPending(this.reader);
    const reading = this.reader.xread('COUNT', BATCH, 'BLOCK', Math.ceil(boundMs / 8), 'STREAMS', this.#keys[2], `${this.#position}-0`);
    const [streams, [id, count]] = await answerWithin(boundMs, Promise.all([reading, this.#readCounter()]), 'unheld');
    if (id !== this.#id || Number(count) < this.#position) {
      this.#id = undefined;
      return;
    }
    const entries = (streams as [string, LogEntry[]][] | null)?.[0]?.[1] ?? [];
    for (const entry of entries) this.#noteEntry(entry);
    if (entries.length < BATCH) this.#extendLease(sentAt);
  }

  #readCounter(): Promise<[string, string]> {
    return this.reader.joinLedger(...this.#keys, nodeCrypto().randomBytes(9).toString('base64url'), KEPT);
  }

  #noteEntry(entry: LogEntry): void {
    const position = positionOf(entry);
    const message = messageOf(entry);
    if (position !== this.#position + 1 || message === undefined) this.marks.noteGap(position);
    this.#position = position;
    // This process knew its own invalidations before.
    if (message === undefined || message.origin === this.#origin) return;
    this.marks.noteOthersInvalidation(message.names, position);
    // What this process wrote since then was judged by a schema that was no longer the server's.
    if (message.names.some(isOfSchema) && performance.now() < this.#judgedAt + GRACE * this.options.boundMs)
      void this.invalidate([EVERYTHING]);
  }

  #adoptLedger(id: string): void {
    this.marks.restartPositions();
    const run = id.split('.', 1)[0];
    // It is another server. The writer's connection may lead to the old one, and a frozen server does not close its connections.
    if (this.#run !== undefined && this.#run !== run) this.writer.disconnect(true);
    this.#run = run;
    this.#id = id;
    this.#leaseUntil = 0;
  }

  #extendLease(askedAt: number): void {
    const now = performance.now();
    const sentAt = Math.min(askedAt, this.reader.confirmedAt());
    if (sentAt + LEASE * this.options.boundMs <= now) return;
    if (now >= this.#leaseUntil) {
      this.#breaks += 1;
      this.#trustedFrom = now + GRACE * this.options.boundMs;
    }
    this.#provenAt = sentAt;
    this.#leaseUntil = sentAt + LEASE * this.options.boundMs;
    this.listener.proven();
  }
}

/** Undefined for an entry that no Poolwright has written: it may stand for any invalidation. */
function messageOf([, fields]: LogEntry): { readonly origin: string; readonly names: readonly string[] } | undefined {
  try {
    const [origin, names] = JSON.parse(fields[1] ?? '') as [string, string[]];
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? { origin, names } : undefined;
  } catch {
    return undefined;
  }
}

function positionOf([id]: LogEntry): number {
  return Number.parseInt(id, 10);
}
