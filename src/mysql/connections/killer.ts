/** Kills statements on the server, over connections that are kept for it. */

import { ignore, within } from '../../engine/waiting/index.js';
import { unrunBy } from '../errors/index.js';
import type { ObservedConnection } from './observed-connection.js';
import { isLoopback } from '../options/index.js';
import { killStatement } from '../session/index.js';

/** How long the goodbye of the connection may take. */
const CLOSE_TIMEOUT_MS = 1_000;

/** Behind a load balancer one connection leads to one server only; each is kept while it may be of use. In a fleet one is counted for it. */
const MOST_KEPT = 2;

/**
 * Kills statements over a connection that is kept for it, never one of the borrowers'. It is opened when it is first needed and does not
 * count towards the pool's limit; a second one is opened where the first leads to another server than the pool's connections.
 */
export class Killer {
  /** The newest last. */
  #kept: Promise<ObservedConnection>[] = [];
  #closed = false;
  #kills = 0;

  /**
   * @param connect opens a connection; `lost` is to be called when it has ended
   * @param timeoutMs how long a kill may take
   * @param mostKept how many connections are kept at most; default: 2
   */
  constructor(
    private readonly connect: (lost: () => void) => Promise<ObservedConnection>,
    private readonly timeoutMs: number,
    private readonly mostKept = MOST_KEPT,
  ) {}

  /** Connections that are kept, or being opened. */
  get kept(): number {
    return this.#kept.length;
  }

  /** Statements killed so far. */
  get kills(): number {
    return this.#kills;
  }

  /**
   * Resolves when the server has acknowledged the kill. Rejects when it could not be asked, or when the connection that it knows by
   * the victim's number is not the victim: a load balancer may have led us to another server. A new connection may lead to the right one, so
   * a kill that was refused is tried once more.
   */
  async kill(victim: ObservedConnection): Promise<void> {
    if (this.#closed) throw new Error('the pool is closed');
    const late = (): Error => new Error(`no answer within ${this.timeoutMs} ms`);
    try {
      await within(this.#killInTwoTries(victim), this.timeoutMs, late, { hold: 'unheld', allowsForStalls: true });
    } catch (error) {
      // The next kill is better off with new connections. Those that work, other kills may be using.
      if (!(error instanceof NotTheVictim)) this.renewConnection();
      throw error;
    }
  }

  async #killInTwoTries(victim: ObservedConnection): Promise<void> {
    const asked = this.#kept.length === 0 ? [this.#open()] : [...this.#kept];
    for (const opening of asked) {
      try {
        await this.#kill(await opening, victim);
        return;
      } catch (error) {
        if (this.#closed || !wasNotSent(error)) throw error;
      }
    }
    // Another kill that was refused may have opened one meanwhile.
    const other = this.#kept.find((opening) => !asked.includes(opening)) ?? this.#open();
    try {
      await this.#kill(await other, victim);
    } catch (error) {
      // It may lead where another one leads, too.
      this.#leave(other);
      throw error;
    }
  }

  /** The next kill opens a new connection: after a fail-over, or a new password. */
  renewConnection(): void {
    const kept = this.#kept;
    this.#kept = [];
    for (const opening of kept) opening.then((connection) => connection.terminate()).catch(ignore);
  }

  /** Resolves within about a second, even when the server does not answer. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#kept.length > 0) {
      const end = Promise.all(this.#kept.map((opening) => opening.then(quit, ignore)));
      await within(end, CLOSE_TIMEOUT_MS, goodbyeTooLong, { hold: 'unheld' }).catch(ignore);
    }
    this.renewConnection();
  }

  /** Says goodbye on one that works: what is under way on it is answered first. */
  #leave(opening: Promise<ObservedConnection>): void {
    if (this.#forget(opening)) opening.then(quit).catch(ignore);
  }

  #forget(opening: Promise<ObservedConnection>): boolean {
    const place = this.#kept.indexOf(opening);
    if (place >= 0) void this.#kept.splice(place, 1);
    return place >= 0;
  }

  async #kill(connection: ObservedConnection, victim: ObservedConnection): Promise<void> {
    if (!(await isSameServer(connection, victim)))
      throw new NotTheVictim(`connection ${victim.threadId} is not known to the server that was asked`);
    const sql = killStatement(connection, numberOf(victim));
    await connection.send((done) => connection.query(sql, done));
    this.#kills += 1;
  }

  #open(): Promise<ObservedConnection> {
    const opening = this.connect(() => forget());
    const forget = (): void => void this.#forget(opening);
    const [oldest] = this.#kept;
    if (oldest !== undefined && this.#kept.length >= this.mostKept) this.#leave(oldest);
    this.#kept.push(opening);
    opening.catch(forget);
    return opening;
  }
}

/** The server that was asked does not have the victim. */
class NotTheVictim extends Error {}

/** Whether no KILL can have reached a server, while it may reach the right one over a new connection. */
function wasNotSent(error: unknown): boolean {
  return error instanceof NotTheVictim || unrunBy(error) !== undefined;
}

function goodbyeTooLong(): Error {
  return new Error('Closing the connection that kills statements took too long.');
}

function quit(connection: ObservedConnection): Promise<void> {
  return connection.quit();
}

/**
 * Where a connection leads: straight to the server; to a server that sees another address, so that this side cannot know it; or to a proxy that shares
 * its connections, with numbers of its own, by which nothing can be killed.
 */
export type WayToServer = 'direct' | 'through' | 'shared' | 'unknown';

/**
 * Asks the server which address it sees this connection come from, and remembers it there. It is not ours when a proxy or a load balancer stands in
 * between.
 */
export async function noteAddress(connection: ObservedConnection): Promise<WayToServer> {
  if (connection.stream.localPort === undefined) return 'unknown';
  const row = await processRow(connection, 'CONNECTION_ID()', "''");
  if (row === undefined) return 'unknown';
  if (!isNumberOf(connection, row.id)) return 'shared';
  const place = { number: row.id, host: row.host };
  connection.atServer = place;
  if (comesFromHere(row.host, connection)) return row.id === String(connection.threadId) ? 'direct' : 'through';
  // Apart from the first question, for some proxies no longer share a connection that has asked for a variable.
  connection.atServer = { ...place, server: (await processRow(connection, 'CONNECTION_ID()', SERVER))?.server };
  return 'through';
}

/** The server shows for each connection the address that it comes from: ours, with our port, or the one that it showed when the connection was new. */
async function isSameServer(connection: ObservedConnection, victim: ObservedConnection): Promise<boolean> {
  if (victim.stream.localPort === undefined) return victim.config.socketPath !== undefined;
  const place = victim.atServer;
  const row = await processRow(connection, numberOf(victim), place?.server === undefined ? "''" : SERVER);
  // A proxy that shares its connections would take the number for one of its own.
  if (row === undefined || !isNumberOf(connection, row.asker)) return false;
  // Behind a load balancer, two servers may see the same number come from the same port of it.
  if (place?.server !== undefined && place.server !== row.server) return false;
  return row.host === place?.host || comesFromHere(row.host, victim);
}

function comesFromHere(host: string, { stream, config }: ObservedConnection): boolean {
  return host.endsWith(`:${stream.localPort}`) || (!host.includes(':') && isLoopback(config.host));
}

/** The number by which the server knows the connection. */
function numberOf({ atServer, threadId }: ObservedConnection): string {
  return atServer?.number ?? String(threadId);
}

/** A greeting has room for 32 bits; TiDB's numbers may have 64, of which it sends the lower half. */
function isNumberOf({ threadId }: ObservedConnection, number: string): boolean {
  return threadId !== null && /^\d+$/u.test(number) && BigInt.asUintN(32, BigInt(number)) === BigInt(threadId);
}

/** Which server this is: replicas have different numbers, and servers on one machine different ports. */
const SERVER = "CONCAT_WS(' ', @@hostname, @@port, @@server_id)";

interface ProcessRow {
  readonly id: string;
  /** The number of the connection that asks. */
  readonly asker: string;
  readonly host: string;
  readonly server: string;
}

/** One text, for numbers of 64 bits are not exact in JavaScript, and the first answer of a process waits for each column. Only the last part has spaces. */
function processRow(connection: ObservedConnection, id: string, server: string): Promise<ProcessRow | undefined> {
  const sql = `SELECT CONCAT_WS(' ', ID, CONNECTION_ID(), HOST, ${server}) AS place FROM information_schema.PROCESSLIST WHERE ID = ${id}`;
  return new Promise((resolve, reject) => {
    // In place of the pool's own options for results.
    connection.query({ sql, typeCast: true, rowsAsArray: false, nestTables: false }, (error: Error | null, rows: unknown) => {
      if (error === null) resolve(placeOf(rows as { readonly place: unknown }[]));
      else reject(error);
    });
  });
}

/** With the character set `binary`, mysql2 gives the bytes. */
function placeOf([row]: readonly { readonly place: unknown }[]): ProcessRow | undefined {
  if (row === undefined) return undefined;
  const [id = '', asker = '', host = '', ...server] = String(row.place).split(' ');
  return { id, asker, host, server: server.join(' ') };
}
