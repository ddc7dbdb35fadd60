/** Keeps merged points and incidents in a file, so that they are there after a restart. */

import { closeSync, openSync } from 'node:fs';
import { messageOf } from '../../engine/index.js';
import { cutShort, type Incident } from '../verdict/index.js';
import { packed } from './packed-point.js';
import { type Database, hasSqlite, openDatabase, type PreparedSql, wordsOnSqlite } from './sqlite.js';
import { type KeptPoint, type PoolRecord, TIERS } from './timeline.js';

/** What a process before this one has kept of a pool. */
export interface KeptPast {
  /** The oldest first. */
  readonly points: readonly KeptPoint[];
  /** The last one first. */
  readonly incidents: readonly Incident[];
}

/** Keeps the past of pools for the next process. None of its methods throws. */
export interface HistoryStore {
  load(pool: string, now: number): KeptPast | undefined;
  recordOf(pool: string): PoolRecord;
  /** @param incidents of each pool */
  save(incidents: ReadonlyMap<string, readonly Incident[]>, now: number): void;
  close(): void;
}

/** 'Pool' in ASCII: SQLite's mark of what wrote a file. */
const APPLICATION_ID = 0x50_6f_6f_6c;
/** Another order of the numbers in a packed point is another format. */
const FORMAT = 1;
const TABLES = `
CREATE TABLE points (pool TEXT, resolution_ms INTEGER, at INTEGER, since_ms INTEGER, point BLOB,
  PRIMARY KEY (pool, resolution_ms, at)) WITHOUT ROWID;
CREATE INDEX points_by_age ON points (resolution_ms, at);
CREATE TABLE incidents (pool TEXT, id INTEGER, record TEXT, PRIMARY KEY (pool, id)) WITHOUT ROWID;
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${FORMAT};`;
const KEPT_TIERS = TIERS.slice(1);
/** What is not stored yet: with ten pools, that of five minutes. */
const MOST_UNSAVED = 5_000;
const OWNER_ONLY = 0o600;

/**
 * Opens the file, or makes it. When that fails, and when writing fails later, one warning says why, and the history is kept in memory only.
 *
 * @param warn is given one sentence
 * @param now in milliseconds since 1970; default: the process's clock
 * @returns undefined: it is kept in memory only
 */
export function openHistoryStore(path: string, warn: (message: string) => void, now = Date.now()): HistoryStore | undefined {
  const memoryOnly = 'The history is kept in memory only and is gone after a restart';
  if (!hasSqlite()) {
    warn(`${memoryOnly}: Node ${process.versions.node} has no node:sqlite, which Node 22.13 and later have.`);
    return undefined;
  }
  const failed = (error: unknown): void => warn(`${memoryOnly}: '${path}': ${wordsOnSqlite(error) ?? messageOf(error)}.`);
  let database: Database | undefined;
  try {
    // Statements and errors are in it: they are for its owner only.
    closeSync(openSync(path, 'a', OWNER_ONLY));
    database = openDatabase(path);
    prepareFile(database, now);
    return new SqliteHistory(database, failed);
  } catch (error) {
    closeQuietly(database);
    failed(error);
    return undefined;
  }
}

/** @throws Error when it is not ours: then nothing in it was changed */
function prepareFile(database: Database, now: number): void {
  const pragma = (name: string): unknown => database.prepare(`PRAGMA ${name}`).get()?.[name];
  // Held until the end: a second process learns at once that the file is in use.
  database.exec('PRAGMA locking_mode = EXCLUSIVE');
  const isNew = database.prepare('SELECT name FROM sqlite_schema LIMIT 1').get() === undefined;
  if (!isNew && pragma('application_id') !== APPLICATION_ID) throw new Error('it is no history of Poolwright');
  if (!isNew && pragma('user_version') !== FORMAT)
    throw new Error('another version of Poolwright has written it; delete it to begin again');
  if (!isNew && pragma('quick_check') !== 'ok') throw new Error('it is corrupt; delete it to begin again');
  // No write waits for the disk, so that the process never does. What a machine's failure can tear is found at the next start.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN IMMEDIATE');
  if (isNew) database.exec(TABLES);
  const oldest = now - Math.max(...KEPT_TIERS.map(({ keptMs }) => keptMs));
  database.prepare('DELETE FROM points WHERE at < ?').run(oldest);
  database.exec('DELETE FROM incidents WHERE pool NOT IN (SELECT pool FROM points)');
  database.exec('COMMIT');
}

interface UnsavedPoint extends KeptPoint {
  readonly pool: string;
}

/** The store in a file of SQLite. */
class SqliteHistory implements HistoryStore {
  #database: Database | undefined;
  readonly #addPoint: PreparedSql;
  readonly #dropPoints: PreparedSql;
  readonly #putIncident: PreparedSql;
  readonly #dropIncident: PreparedSql;
  #unsaved: UnsavedPoint[] = [];
  /** The incidents of each pool as they are in the file. */
  readonly #saved = new Map<string, readonly Incident[]>();

  constructor(
    database: Database,
    private readonly failed: (error: unknown) => void,
  ) {
    this.#database = database;
    this.#addPoint = database.prepare('INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)');
    this.#dropPoints = database.prepare('DELETE FROM points WHERE resolution_ms = ? AND at < ?');
    this.#putIncident = database.prepare('INSERT OR REPLACE INTO incidents VALUES (?, ?, ?)');
    this.#dropIncident = database.prepare('DELETE FROM incidents WHERE pool = ? AND id = ?');
  }

  load(pool: string, now: number): KeptPast | undefined {
    return this.#guarded((database) => {
      const select = database.prepare('SELECT at, since_ms, point FROM points WHERE pool = ? AND resolution_ms = ? AND at > ? ORDER BY at');
      const points = KEPT_TIERS.flatMap(({ resolutionMs, keptMs }) =>
        select.all(pool, resolutionMs, now - keptMs).map((row) => ({ ...rowOf(row), resolutionMs })),
      );
      const records = database.prepare('SELECT record FROM incidents WHERE pool = ? ORDER BY id DESC').all(pool);
      const incidents = records.map(({ record }) => JSON.parse(String(record)) as Incident);
      this.#saved.set(pool, incidents);
      const last = points.reduce((latest, { at }) => Math.max(latest, at), 0);
      return { points, incidents: cutShort(incidents, 'monitoring-ended', last) };
    });
  }

  recordOf(pool: string): PoolRecord {
    return (resolutionMs, point) => {
      if (this.#database === undefined) return;
      this.#unsaved.push({ pool, resolutionMs, at: point.at, sinceMs: point.sinceMs, bytes: packed(point) });
      if (this.#unsaved.length > MOST_UNSAVED) this.#unsaved.shift();
    };
  }

  save(incidents: ReadonlyMap<string, readonly Incident[]>, now: number): void {
    this.#guarded((database) => {
      database.exec('BEGIN');
      for (const { pool, resolutionMs, at, sinceMs, bytes } of this.#unsaved) this.#addPoint.run(pool, resolutionMs, at, sinceMs, bytes);
      for (const { resolutionMs, keptMs } of KEPT_TIERS) this.#dropPoints.run(resolutionMs, now - keptMs);
      for (const [pool, records] of incidents) this.#saveIncidents(pool, records);
      database.exec('COMMIT');
      this.#unsaved = [];
    });
  }

  close(): void {
    closeQuietly(this.#database);
    this.#database = undefined;
  }

  #saveIncidents(pool: string, records: readonly Incident[]): void {
    const saved = this.#saved.get(pool) ?? [];
    if (saved === records) return;
    for (const record of records) if (!saved.includes(record)) this.#putIncident.run(pool, record.id, JSON.stringify(record));
    for (const { id } of saved) if (!records.some((record) => record.id === id)) this.#dropIncident.run(pool, id);
    this.#saved.set(pool, records);
  }

  /** The first failure ends it: a disk that is full would say so each ten seconds. */
  #guarded<T>(work: (database: Database) => T): T | undefined {
    if (this.#database === undefined) return undefined;
    try {
      return work(this.#database);
    } catch (error) {
      this.close();
      this.#unsaved = [];
      this.failed(error);
      return undefined;
    }
  }
}

function rowOf({ at, since_ms: sinceMs, point }: Readonly<Record<string, unknown>>): Omit<KeptPoint, 'resolutionMs'> {
  return { at: Number(at), sinceMs: Number(sinceMs), bytes: point as Uint8Array };
}

function closeQuietly(database: Database | undefined): void {
  try {
    database?.close();
  } catch {
    // It has failed already, and the reason was given.
  }
}
