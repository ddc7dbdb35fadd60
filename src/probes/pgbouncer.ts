/** The probe of PgBouncer's admin console: its version, pools, databases and statistics. */
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type * as Pg from 'pg';
import { ignore, within, performance } from '../engine/waiting/index.js';
import { requirePeer } from '../packages/index.js';
import { type PgBouncerOptions, type PgBouncerTarget, resolveTarget } from './pgbouncer-target.js';
import { DeadlinePassed, NotPgBouncer, type PgBouncerReason, verdictOf } from './pgbouncer-verdict.js';
import { guardAgainstForeigners } from './postgres-guard.js';

export type { PgBouncerOptions } from './pgbouncer-target.js';
export type { PgBouncerReason } from './pgbouncer-verdict.js';

/**
 * A row of PgBouncer's console, with PgBouncer's own column names (https://www.pgbouncer.org/usage.html): its versions add, rename and
 * drop columns, and that page explains them. Numbers are numbers.
 */
export type PgBouncerRow = Readonly<Record<string, string | number | null>>;

/** What a probe found out. */
export interface PgBouncerReport {
  /** Whether PgBouncer answered: `reason` is `ok`. */
  readonly available: boolean;
  readonly reason: PgBouncerReason;
  /** What was found, in words. */
  readonly message: string;
  /** For example '1.18.0'. */
  readonly version: string | null;
  /** SHOW POOLS; empty unless available. */
  readonly pools: readonly PgBouncerRow[];
  /** SHOW DATABASES; empty unless available. */
  readonly databases: readonly PgBouncerRow[];
  /** SHOW STATS; empty unless available. */
  readonly stats: readonly PgBouncerRow[];
  /** How long the probe took, in milliseconds. */
  readonly latencyMs: number | null;
}

/** A probe that is ready to run, again and again. It never rejects. */
export type PgBouncerProbe = () => Promise<PgBouncerReport>;

/**
 * Asks PgBouncer's admin console for its version, pools, databases and statistics. Failures are in the report too. The probe leaves no socket
 * and no timer behind.
 *
 * @param options where PgBouncer is, or its URL; nothing: the answer is `not-configured`
 * @throws TypeError when an option is invalid; Error `MODULE_NOT_FOUND` when the package `pg` is not installed
 *
 * @example
 * ```ts
 * const { available, reason, message, pools } = await probePgBouncer('postgresql://stats:secret@127.0.0.1:6432');
 * ```
 */
export async function probePgBouncer(options?: string | PgBouncerOptions): Promise<PgBouncerReport> {
  return await preparePgBouncerProbe(options)();
}

/**
 * Checks the options of {@link probePgBouncer} now, for later.
 *
 * @throws as `probePgBouncer` does
 */
export function preparePgBouncerProbe(options?: string | PgBouncerOptions): PgBouncerProbe {
  const target = resolveTarget(options);
  if (target === undefined) return () => Promise.resolve(NOT_CONFIGURED);
  const pg = requirePeer('pg', 'The probe of PgBouncer') as typeof Pg;
  return () => probe(target, pg);
}

const NOTHING_KNOWN = { version: null, pools: [], databases: [], stats: [] } as const;

const NOT_CONFIGURED: PgBouncerReport = Object.freeze({
  available: false,
  reason: 'not-configured',
  message: 'No PgBouncer is configured.',
  ...NOTHING_KNOWN,
  latencyMs: null,
});

type Findings = Pick<PgBouncerReport, 'version' | 'pools' | 'databases' | 'stats'>;

async function probe(target: PgBouncerTarget, pg: typeof Pg): Promise<PgBouncerReport> {
  const startedAt = performance.now();
  const latencyMs = (): number => Math.round((performance.now() - startedAt) * 1000) / 1000;
  const login = new AdminConsole(target, pg);
  try {
    const findings = await login.read();
    return Object.freeze({
      available: true,
      reason: 'ok',
      message: `PgBouncer ${findings.version} answered.`,
      ...findings,
      latencyMs: latencyMs(),
    });
  } catch (error) {
    return Object.freeze({ available: false, ...verdictOf(error, login.phase, target), ...NOTHING_KNOWN, latencyMs: latencyMs() });
  }
}

/** One login to the console. pg's own time-outs bound the login and each statement, but not the whole, nor a goodbye that the server ignores. */
class AdminConsole {
  /** The current step, for the verdict on a failure. */
  phase = 'connecting';
  readonly #timeoutMs: number;
  readonly #socket = new Socket();
  readonly #client: Pg.Client;

  constructor({ host, port, user, password, ssl, timeoutMs }: PgBouncerTarget, pg: typeof Pg) {
    this.#timeoutMs = timeoutMs;
    this.#socket.once('connect', () => {
      this.phase = 'logging in';
    });
    guardAgainstForeigners(this.#socket, ssl === false ? 'messages' : 'tls-answer');
    this.#client = new pg.Client({
      host,
      port,
      user,
      // A function: with a text that is empty pg would read PGPASSWORD, then a file, and fail where no caller can catch it.
      password: () => password,
      database: 'pgbouncer',
      ssl,
      // Given, so that PGSSLNEGOTIATION has no effect.
      sslnegotiation: 'postgres',
      application_name: 'poolwright',
      types: { getTypeParser: parserOf },
      stream: () => this.#socket,
    });
    forgetEnvironment(this.#client);
    // connect() and query() reject with the failure of the connection.
    this.#client.on('error', ignore);
    this.#client.connection.once('sslconnect', () => guardAgainstForeigners(this.#stream, 'messages'));
  }

  async read(): Promise<Findings> {
    const dueAt = performance.now() + this.#timeoutMs;
    try {
      const findings = await within(this.#read(), this.#timeoutMs, late);
      await within(this.#sayGoodbye(), Math.max(dueAt - performance.now(), 0), late).catch(ignore);
      return findings;
    } finally {
      await this.#hangUp();
    }
  }

  async #read(): Promise<Findings> {
    await this.#client.connect();
    const version = versionIn(await this.#show('VERSION'));
    const pools = await this.#show('POOLS');
    const databases = await this.#show('DATABASES');
    return { version, pools, databases, stats: await this.#show('STATS') };
  }

  async #show(what: string): Promise<PgBouncerRow[]> {
    this.phase = `running SHOW ${what}`;
    const { rows } = await this.#client.query<Record<string, string | number | null>>(`SHOW ${what}`);
    return rows;
  }

  /** Resolves when the goodbye is sent; the probe does not need an answer to it. */
  async #sayGoodbye(): Promise<void> {
    await Promise.race([this.#client.end(), once(this.#stream, 'finish')]);
  }

  /** What pg reads from: the socket, or TLS over it. */
  get #stream(): Duplex {
    return this.#client.connection.stream;
  }

  async #hangUp(): Promise<void> {
    for (const stream of new Set<Duplex>([this.#stream, this.#socket])) {
      stream.destroy();
      if (!stream.closed) await once(stream, 'close').catch(ignore);
    }
  }
}

function late(): Error {
  return new DeadlinePassed();
}

/** pg reads PGOPTIONS and PGREPLICATION unless it is given a value of its own; PgBouncer refuses a login that has either. */
function forgetEnvironment(client: Pg.Client): void {
  const { connectionParameters } = client as unknown as { readonly connectionParameters: object };
  Object.assign(connectionParameters, { options: undefined, replication: undefined });
}

const PRODUCT = 'PgBouncer ';

/** PgBouncer calls itself `PgBouncer 1.18.0`. Other poolers with such a console, for example PgCat, give their own name. */
function versionIn([row]: readonly PgBouncerRow[]): string {
  const text = String(row?.['version'] ?? '');
  if (text.startsWith(PRODUCT)) return text.slice(PRODUCT.length);
  throw new NotPgBouncer(text === '' ? 'it does not say its version' : `it calls itself ${text.slice(0, 100)}`);
}

/** Types of PostgreSQL's catalogue: int8, int2, int4, numeric. pg leaves two of them text, because not every value fits a number. */
const NUMBER_TYPES: ReadonlySet<number> = new Set([20, 21, 23, 1700]);

function parserOf(type: number): (value: string) => string | number {
  return NUMBER_TYPES.has(type) ? Number : (value) => value;
}
