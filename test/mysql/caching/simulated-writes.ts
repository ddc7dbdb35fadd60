/** A simulated server under readers, writers and statements of unknown effect, with a cache before it, on a clock that jumps. */

import { endpointOf } from '../../../src/mysql/options/endpoint.js';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createQueryCache } from '../../../src/cache/index.js';
import { CachedStatements } from '../../../src/mysql/caching/cached-statements.js';
import { KnownSchema } from '../../../src/mysql/caching/known-schema.js';
import { WriteWatch } from '../../../src/mysql/caching/write-watch.js';
import { statementOf } from '../../../src/mysql/contract/statement.js';
import type { StatementResult } from '../../../src/mysql/contract/index.js';
import { ownFlavor } from '../../../src/mysql/errors/flavor.js';
import { factsOf } from '../../../src/sql/statement-facts.js';
import type { Dice } from '../../simulation/dice.js';

/** What varies. Times in milliseconds. */
export interface Conditions {
  /** Between two writes of one writer. */
  readonly writePauseMs: number;
  readonly writers: number;
  /** How long a reading of the schema takes. */
  readonly readingMs: number;
  /** Of a hundred statements that read the schema. */
  readonly failingReadings: number;
  /** Between two statements of unknown effect, or that change the schema. */
  readonly shockPauseMs: readonly [shortest: number, longest: number];
  readonly shocks: readonly string[];
  /** How long after such a statement hits must be back. */
  readonly recoveryMs: number;
  readonly lastsMs: number;
}

/** What was seen. */
export interface Outcome {
  readonly stale: readonly string[];
  readonly writes: number;
  readonly readings: number;
  readonly mostReadingsAtOnce: number;
  readonly readingTimeMs: number;
  /** Reads of a table that is not written, later than `recoveryMs` after the last shock, and those of them that the database answered. */
  readonly calmReads: number;
  readonly calmMisses: number;
}

/** A trigger by which a write of the table `written` changes another one. What it does counts when the statement that made it is acknowledged. */
interface Trigger {
  readonly target: string;
  acknowledged: boolean;
  readonly early: (() => void)[];
}

interface Change {
  readonly table: string;
  readonly trigger: Trigger | undefined;
}

const TABLES = ['written', 'shadow', 'quiet'];
/** How often each of the tables is read. */
const READ_PAUSE_MS = 7;

export class SimulatedWrites {
  now = 0;
  readonly #events: { readonly at: number; readonly run: () => void }[] = [];
  readonly #cache = createQueryCache({ defaults: { ttl: 3_600_000 } });
  readonly #schema = new KnownSchema((sql) => this.#rowsOfSchema(sql), this.#cache);
  readonly #watch = new WriteWatch(this.#cache, this.#schema);
  readonly #statements = new CachedStatements(this.#cache, this.#schema, ({ sql }) => this.#runRead(sql), {
    connection: {},
    onConnect: undefined,
    credentials: undefined,
    flavor: ownFlavor,
    endpoint: endpointOf({}),
  });
  readonly #versions: Record<string, number> = Object.fromEntries(TABLES.map((table) => [table, 0]));
  /** What a read must see at least. */
  readonly #due: Record<string, number> = { ...this.#versions };
  #triggers: Trigger[] = [];
  readonly #stale: string[] = [];
  #writes = 0;
  #readings = 0;
  #readingTimeMs = 0;
  #readingsAtOnce = 0;
  #mostReadingsAtOnce = 0;
  #calmFrom = 0;
  #calmReads = 0;
  #calmMisses = 0;
  #databaseReads = 0;

  constructor(
    private readonly dice: Dice,
    private readonly conditions: Conditions,
  ) {}

  async run(): Promise<Outcome> {
    const { writers, lastsMs, recoveryMs } = this.conditions;
    this.#calmFrom = recoveryMs;
    for (const table of TABLES) this.#readAgain(table);
    for (let writer = 0; writer < writers; writer += 1) this.#after(this.dice.below(10), () => this.#write(connection()));
    this.#shockLater();
    for (let event = this.#events.shift(); event !== undefined && event.at < lastsMs; event = this.#events.shift()) {
      this.now = event.at;
      event.run();
      await nextTurn();
    }
    this.#cache.close();
    return {
      stale: this.#stale,
      writes: this.#writes,
      readings: this.#readings,
      mostReadingsAtOnce: this.#mostReadingsAtOnce,
      readingTimeMs: this.#readingTimeMs,
      calmReads: this.#calmReads,
      calmMisses: this.#calmMisses,
    };
  }

  #after(ms: number, run: () => void): void {
    const at = this.now + ms;
    let index = this.#events.length;
    while (index > 0 && (this.#events[index - 1]?.at ?? 0) > at) index -= 1;
    this.#events.splice(index, 0, { at, run });
  }

  #send(on: Connection, sql: string, onServer: () => void, ended: () => void): void {
    const command = { onResult: ended, once: () => command, emit: () => true };
    this.#watch.commandSent(on, command as never, factsOf(sql));
    const takesMs = 0.4 + this.dice.random() * 1.6;
    this.#after(takesMs * this.dice.random(), onServer);
    this.#after(takesMs, () => (command.onResult as (error: null) => void)(null));
  }

  #write(on: Connection): void {
    const inTransaction = this.dice.chance(25);
    const changes: Change[] = [];
    const touch = (): void => {
      changes.push({ table: 'written', trigger: undefined });
      for (const trigger of this.#triggers) changes.push({ table: trigger.target, trigger });
    };
    const versions: [Change, number][] = [];
    const commit = (): void => {
      for (const change of changes) {
        const version = (this.#versions[change.table] ?? 0) + 1;
        this.#versions[change.table] = version;
        versions.push([change, version]);
      }
    };
    const done = (): void => {
      this.#writes += 1;
      for (const [{ table, trigger }, version] of versions) {
        const count = (): void => void (this.#due[table] = Math.max(this.#due[table] ?? 0, version));
        if (trigger === undefined || trigger.acknowledged) count();
        else trigger.early.push(count);
      }
      this.#after(this.conditions.writePauseMs * (0.5 + this.dice.random()), () => this.#write(on));
    };
    const sql = `UPDATE written SET v = v + ${this.dice.below(100)}`;
    if (!inTransaction) {
      const both = (): void => {
        touch();
        commit();
      };
      this.#send(on, sql, both, done);
      return;
    }
    on.session.inTransaction = true;
    const over = (): void => void (on.session.inTransaction = false);
    const finish = (): void => {
      over();
      done();
    };
    this.#send(on, sql, touch, () => this.#send(on, sql, touch, () => this.#send(on, 'COMMIT', commit, finish)));
  }

  #shockLater(): void {
    const [shortest, longest] = this.conditions.shockPauseMs;
    this.#after(shortest + this.dice.random() * (longest - shortest), () => this.#shock(connection()));
  }

  #shock(on: Connection): void {
    const sql = this.dice.of(this.conditions.shocks);
    const target = this.dice.of(['shadow', 'quiet']);
    let made: Trigger | undefined;
    const onServer = (): void => {
      if (sql.includes('harmless')) return;
      made = { target, acknowledged: false, early: [] };
      this.#triggers = this.#triggers.length > 0 && this.dice.chance(60) ? [] : [...this.#triggers, made];
    };
    this.#calmFrom = Number.POSITIVE_INFINITY;
    this.#send(on, sql, onServer, () => {
      this.#calmFrom = this.now + this.conditions.recoveryMs;
      if (made !== undefined) {
        made.acknowledged = true;
        for (const count of made.early) count();
      }
      this.#shockLater();
    });
  }

  #readAgain(table: string): void {
    this.#after(READ_PAUSE_MS * (0.5 + this.dice.random()), () => {
      void this.#read(table);
      this.#readAgain(table);
    });
  }

  async #read(table: string): Promise<void> {
    const askedAt = this.now;
    const due = this.#due[table] ?? 0;
    const isCalm = table === 'quiet' && this.#triggers.length === 0 && askedAt > this.#calmFrom;
    const before = this.#databaseReads;
    const sql = `SELECT v FROM ${table}`;
    const statement = statementOf('query', { sql, cache: true }, undefined, undefined);
    const [rows] = await (this.#statements.answer(statement) ?? this.#runRead(sql));
    const version = (rows as readonly { v: number }[])[0]?.v ?? -1;
    if (version < due) this.#stale.push(`${table} at ${askedAt.toFixed(1)} was ${version} and had to be ${due}`);
    if (!isCalm) return;
    this.#calmReads += 1;
    if (this.now > askedAt && this.#databaseReads > before) this.#calmMisses += 1;
  }

  #runRead(sql: string): Promise<StatementResult> {
    this.#databaseReads += 1;
    const table = sql.slice(sql.lastIndexOf(' ') + 1);
    const takesMs = 0.3 + this.dice.random();
    return new Promise((resolve) => {
      let v = -1;
      this.#after(takesMs * this.dice.random(), () => void (v = this.#versions[table] ?? -1));
      this.#after(takesMs, () => resolve([[{ v }], []] as unknown as StatementResult));
    });
  }

  /** One of the statements that read the schema. */
  #rowsOfSchema(sql: string): Promise<readonly (readonly unknown[])[]> {
    const of = /information_schema\.(\w+)/.exec(sql)?.[1] ?? '';
    const takesMs = this.conditions.readingMs / 8;
    if (of === 'tables') this.#readings += 1;
    this.#readingTimeMs += takesMs;
    this.#readingsAtOnce += 1;
    this.#mostReadingsAtOnce = Math.max(this.#mostReadingsAtOnce, this.#readingsAtOnce);
    return new Promise((resolve, reject) => {
      let rows: readonly (readonly unknown[])[] = [];
      this.#after(takesMs * this.dice.random(), () => void (rows = this.#factsOf(of)));
      this.#after(takesMs, () => {
        this.#readingsAtOnce -= 1;
        if (this.dice.chance(this.conditions.failingReadings)) reject(new Error('no schema today'));
        else resolve(rows);
      });
    });
  }

  #factsOf(of: string): readonly (readonly unknown[])[] {
    if (of === 'tables') return TABLES.map((table) => ['shop', table, 'InnoDB', 'BASE TABLE']);
    if (of === 'user_privileges') return [[1]];
    if (of === 'triggers') return this.#triggers.map(({ target }) => ['written', `UPDATE ${target} SET v = v + 1`]);
    return of === 'columns' ? TABLES.map((table) => [table, 'v', 'int', 'NO', null, null]) : [];
  }
}

interface Connection {
  readonly alive: boolean;
  readonly session: { inTransaction: boolean };
  readonly takesSeveralStatements: boolean;
}

function connection(): Connection {
  return { alive: true, session: { inTransaction: false }, takesSeveralStatements: false };
}
