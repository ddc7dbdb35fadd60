import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { pause } from '../../engine/waiting/index.js';
import { EVERYTHING, type Marks } from '../invalidation/index.js';
import { isFull, type RedisClient } from './redis-client.js';
import { answerWithin, Overdue } from './overdue.js';

/** What the ledger needs. */
export interface LedgerOptions {
  readonly prefix: string;
  /** How long another process may serve an older value after a write was acknowledged, in milliseconds. */
  readonly boundMs: number;
  /** How long a command may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** Is told how it goes. */
export interface LedgerListener {
  failed(error: unknown): void;
  /** Everything was heard until it was asked for: many times a second. */
  proven(): void;
}

/** Invalidations that are kept for processes that join; about as many. */
const KEPT = 10_000;
const BATCH = 1_000;
/** How long an answer counts, in bounds. The rest is for what a slow Redis gets only after the writer has stopped waiting for it. */
const LEASE = 0.75;
/** How long after a break nothing is served, in bounds: time for the slowest to tell what it could not. */
const GRACE = 2;
/** More names than this at once are told as everything. */
const MOST_NAMES = 10_000;
const PAUSE_AFTER_FAILURE_MS = 25;

type LogEntry = readonly [id: string, fields: readonly string[]];

/**
 * The list of invalidations in Redis, in one order for all processes. Each process reads it without a break; an answer proves that
 * everything was heard that was there when it was asked for. For three quarters of `boundMs` after that the process may serve what it has; then not any more,
 * until it has caught up. So whoever cannot hear of invalidations does not serve stale values, however it came about.
 *
 * After a break, a process waits for twice as long: others may have been cut off too, with invalidations that they could not tell.
 */
export class Ledger {
  readonly #keys: readonly [id: string, counter: string, log: string];
  readonly #origin = randomBytes(9).toString('base64url');
  #id: string | undefined = undefined;
  /** Of Redis, in which the ledger is or was. */
  #run: string | undefined = undefined;
  #position = 0;
  #leaseUntil = 0;
  #provenAt = Number.NEGATIVE_INFINITY;
  #trustedFrom = Number.POSITIVE_INFINITY;
  #closed = false;
  /** Names that are to be told, and those that are being told. */
  #backlog = new Set<string>();
  #publishing: Promise<void> | undefined = undefined;
  #retry: NodeJS.Timeout | undefined = undefined;
  #breaks = 0;

  constructor(
    /** A connection of its own: reading blocks it. */
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

  /** Where the next loading begins. */
  get position(): number {
    return this.#position;
  }

  /** Tells the values of one ledger from those of another. */
  get id(): string {
    return this.#id ?? '';
  }

  /** Invalidations that are not in the ledger yet. */
  get backlog(): number {
    return this.#backlog.size;
  }

  /** How often the process could not prove in time that it had heard of everything. */
  get breaks(): number {
    return this.#breaks;
  }

  /** Whether what this process has may be served. */
  isLive(now: number): boolean {
    return now < this.#leaseUntil && now >= this.#trustedFrom;
  }

  /** When it will be, if nothing goes wrong; undefined while the ledger cannot be read. */
  liveIn(now: number): number | undefined {
    return now < this.#leaseUntil ? Math.max(this.#trustedFrom - now, 0) : undefined;
  }

  /**
   * Tells all processes. Known in this one at once. Resolves when it is in the ledger, or when that takes too long: then it is told later.
   */
  invalidate(names: readonly string[]): Promise<void> {
    this.marks.noteOwnInvalidation(names, (name) => !this.#backlog.has(name));
    for (const name of names) this.#backlog.add(name);
    if (this.#backlog.size > MOST_NAMES) this.#replaceByEverything();
    if (this.#id === undefined || this.writer.status !== 'ready') {
      this.#retryLater();
      return Promise.resolve();
    }
    const told = this.#publishPending();
    // When this process has not heard of Redis for so long, no other serves what it has: there is nothing to wait for.
    return performance.now() < this.#provenAt + GRACE * this.options.boundMs ? told : Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    this.#leaseUntil = 0;
    clearTimeout(this.#retry);
  }

  /** One message at a time: what comes meanwhile goes with the next. Never rejects. */
  async #publishPending(over = this.writer): Promise<void> {
    // The one under way does not have what was added just now.
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

  /** Where it is in the ledger; 0 when that is another one. Only the master's counts, and it must be the master still when it has it. */
  async #publishMessage(over: RedisClient, id: string, message: string): Promise<number> {
    const position = await over.publishToLedger(...this.#keys, id, message, KEPT);
    if (position > 0) await over.confirm();
    return position;
  }

  /** Others serve again soon after Redis has come back: until then they must have heard of what this process could not tell. */
  #retryLater(): void {
    if (this.#retry !== undefined || this.#closed) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#backlog.size === 0) return;
      if (this.#id === undefined || this.writer.status !== 'ready') this.#retryLater();
      else void this.#publishPending();
    }, PAUSE_AFTER_FAILURE_MS).unref();
  }

  /** To be told again; a name that was added meanwhile is pending twice. */
  #returnToBacklog(names: readonly string[]): void {
    for (const name of names) {
      if (this.#backlog.has(name)) this.marks.settlePending([name], 0);
      else this.#backlog.add(name);
    }
  }

  #replaceByEverything(): void {
    this.marks.noteOwnInvalidation([EVERYTHING], (name) => !this.#backlog.has(name));
    this.#backlog.delete(EVERYTHING);
    this.marks.settlePending(this.#backlog, 0);
    this.#backlog = new Set([EVERYTHING]);
  }

  /** What waits for its turn is told within the bound, also while Redis is slow. */
  get #publishTimeoutMs(): number {
    return Math.min(this.options.timeoutMs, this.options.boundMs / 5);
  }

  /** A server that is full and takes no invalidations either (Redis does) lets go: without a ledger nobody serves anything that may have changed. */
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
      // Others may be cut off by the same, with something to tell.
      this.#leaseUntil = 0;
      await pause(PAUSE_AFTER_FAILURE_MS, { hold: 'unheld' });
    }
  }

  async #joinLedger(): Promise<void> {
    const sentAt = performance.now();
    const [id, count] = await answerWithin(this.options.boundMs, this.#readCounter(), 'unheld');
    // Whatever others have told an old master, they told it before this: it must be unknown from now on, and not before.
    await answerWithin(this.options.boundMs, this.reader.confirm(), 'unheld');
    this.#adoptLedger(id);
    const past = (await answerWithin(this.options.boundMs, this.reader.xrange(this.#keys[2], '-', `${count}-0`), 'unheld')) as LogEntry[];
    const first = past[0];
    // Values that are older than what is remembered cannot be judged.
    this.marks.noteGap(first === undefined ? Number(count) : positionOf(first) - 1);
    for (const entry of past) {
      const message = messageOf(entry);
      if (message === undefined) this.marks.noteGap(positionOf(entry));
      else this.marks.notePastInvalidation(message.names, positionOf(entry));
    }
    this.#position = Number(count);
    this.#extendLease(sentAt);
  }

  /** Waits for invalidations, for an eighth of the bound (Redis may take 100 ms more to notice that it is over); either way the answer proves that everything was heard until it was asked for. */
  async #readEntries(): Promise<void> {
    const sentAt = performance.now();
    const { boundMs } = this.options;
    // The writer is not connected, or could not tell it: this connection leads to where the others listen.
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
    return this.reader.joinLedger(...this.#keys, randomBytes(9).toString('base64url'), KEPT);
  }

  #noteEntry(entry: LogEntry): void {
    const position = positionOf(entry);
    const message = messageOf(entry);
    if (position !== this.#position + 1 || message === undefined) this.marks.noteGap(position);
    this.#position = position;
    // What this process has told itself, it knew before.
    if (message !== undefined && message.origin !== this.#origin) this.marks.noteOthersInvalidation(message.names, position);
  }

  #adoptLedger(id: string): void {
    this.marks.restartPositions();
    const run = id.split('.', 1)[0];
    // Another server, and the writer's connection may lead to the old one, which does not even say that it is closed when it is frozen.
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

/** Undefined when somebody else has written into the ledger: then nothing is known of what it says. */
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
