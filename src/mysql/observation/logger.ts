/** Writes a pool's events into a logger: structured, and rate-limited. */

import { ignoreRejection, performance } from '../../engine/waiting/index.js';
import {
  type Borrowed,
  type CloseReason,
  codeOf,
  type DrainReport,
  invalidUnquoted,
  messageOf,
  type Pool as Engine,
} from '../../engine/index.js';
import type { BreakerState } from '../../resilience/breaker/index.js';
import type { PoolBreakers } from './breakers.js';
import { LeaksByPlace } from './leaks-by-place.js';

/** What is needed of a logger: pino's way, the fields first. pino, and the loggers of Fastify and NestJS on it, are such. */
export interface PoolLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

type Level = keyof PoolLogger;

/** @throws PoolError `POOL_OPTION_INVALID` */
export function checkedLogger(given: unknown): PoolLogger | undefined {
  if (given === undefined) return undefined;
  if (typeof given === 'object' && given !== null) {
    const methods = given as Record<string, unknown>;
    if (['debug', 'info', 'warn', 'error'].every((level) => typeof methods[level] === 'function')) return given as PoolLogger;
  }
  throw invalidUnquoted('logger', given, 'an object with the methods debug, info, warn and error');
}

/** Of each kind of event, this many lines in this time; the next one says how many were left out. */
const MOST_LINES = 10;
const WINDOW_MS = 10_000;

/** What a connection is closed for in the course of things. */
const ROUTINE: ReadonlySet<CloseReason> = new Set(['idle', 'lifetime', 'evicted', 'surplus', 'pool', 'destroyed']);

const BREAKER_LEVELS: Readonly<Record<BreakerState, Level>> = { closed: 'info', 'half-open': 'debug', open: 'error', isolated: 'warn' };

interface Window {
  since: number;
  lines: number;
  suppressed: number;
}

/** Writes what happens to a pool into a logger, and not more of it than can be read. */
export class PoolLog {
  readonly #windows = new Map<string, Window>();
  readonly #leaks = new LeaksByPlace((borrowed, count) => this.#leak(borrowed, count));

  /** @param now milliseconds since some fixed moment */
  constructor(
    private readonly pool: string,
    private readonly logger: PoolLogger,
    private readonly now: () => number = () => performance.now(),
  ) {}

  listen(engine: Engine<unknown>, breakers: Pick<PoolBreakers, 'onChange'>): void {
    breakers.onChange(({ breaker, from, to, reason, nextProbeInMs }) => {
      // Each state is an event of its own: that it has closed must not be left out for how often it was probed before.
      this.#log(BREAKER_LEVELS[to], `breaker-${to}`, { breaker, from, reason, nextProbeInMs }, `breaker '${breaker}' is ${to}`);
    });
    engine.on('opened', ({ id, openMs }) => this.#log('debug', 'connection-opened', { connection: id, openMs }, 'connection opened'));
    engine.on('closed', ({ id, reason, ageMs, error }) => {
      const fields = { connection: id, reason, ageMs, ...(error === undefined ? {} : fieldsOf(error)) };
      this.#log(ROUTINE.has(reason) ? 'debug' : 'warn', 'connection-closed', fields, `connection closed: ${reason}`);
    });
    engine.on('failed', ({ id, error }) =>
      this.#log('warn', 'connection-failed', { connection: id, ...fieldsOf(error) }, 'connection failed'),
    );
    engine.on('connectFailed', ({ error, code, retryInMs }) =>
      this.#log('error', 'connect-failed', { ...fieldsOf(error), code, retryInMs }, 'no connection could be opened'),
    );
    engine.on('leak', (borrowed) => this.#leaks.note(borrowed));
    engine.on('longUse', ({ id, description, heldMs, place }) =>
      this.#log(
        'info',
        'long-use',
        { connection: id, description, heldMs, ...(place === undefined ? {} : { place }) },
        'connection has been in use for a long time',
      ),
    );
    engine.on('leakReturned', ({ id, heldMs }) =>
      this.#log('info', 'leak-returned', { connection: id, heldMs }, 'connection that was reported as leaked came back'),
    );
    engine.on('stateChanged', ({ from, to }) => this.#log('info', 'state-changed', { from, to }, `pool is ${to}`));
  }

  drained({ complete, cutOff, refused }: DrainReport): void {
    const fields = { complete, cutOff: cutOff.map(({ description }) => description), refused };
    this.#log(complete ? 'info' : 'warn', 'drained', fields, complete ? 'pool is drained' : 'pool was closed with connections in use');
  }

  #leak({ id, description, heldMs, place, stack }: Borrowed, count: number): void {
    const where = { ...(place === undefined ? {} : { place }), ...(stack === undefined ? {} : { stack }) };
    this.#log('warn', 'leak', { connection: id, description, heldMs, count, ...where }, 'connection was not released in time');
  }

  #log(level: Level, event: string, fields: object, message: string): void {
    const suppressed = this.#admit(event);
    if (suppressed === undefined) return;
    try {
      ignoreRejection(this.logger[level]({ event, pool: this.pool, ...fields, ...(suppressed === 0 ? {} : { suppressed }) }, message));
    } catch {
      // A logger that fails must not take the pool with it.
    }
  }

  /** How many were left out before this one; undefined when this one is left out, too. */
  #admit(event: string): number | undefined {
    const now = this.now();
    let window = this.#windows.get(event);
    if (window === undefined || now - window.since >= WINDOW_MS) {
      window = { since: now, lines: 0, suppressed: window?.suppressed ?? 0 };
      this.#windows.set(event, window);
    }
    if (window.lines >= MOST_LINES) {
      window.suppressed += 1;
      return undefined;
    }
    window.lines += 1;
    const { suppressed } = window;
    window.suppressed = 0;
    return suppressed;
  }
}

/** Not the error itself: what else hangs on it is the driver's, and may show anything. */
function fieldsOf(error: unknown): object {
  return { error: messageOf(error), code: codeOf(error) };
}
