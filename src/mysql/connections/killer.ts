/** Kills statements on the server, over a connection that is kept for it. */

import { ignore, within } from '../../engine/waiting/index.js';
import type { ObservedConnection } from './observed-connection.js';
import { isLoopback } from '../options/index.js';

/** How long the goodbye of the connection may take. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Kills statements over a connection that is kept for it, never one of the borrowers'. It is opened when it is first needed and does not
 * count towards the pool's limit.
 */
export class Killer {
  #connection: Promise<ObservedConnection> | undefined = undefined;
  #closed = false;
  #kills = 0;

  /**
   * @param connect opens a connection; `lost` is to be called when it has ended
   * @param timeoutMs how long a kill may take
   */
  constructor(
    private readonly connect: (lost: () => void) => Promise<ObservedConnection>,
    private readonly timeoutMs: number,
  ) {}

  /** Statements killed so far. */
  get kills(): number {
    return this.#kills;
  }

  /**
   * Resolves when the server has acknowledged the kill. Rejects when it could not be asked, or when the connection that it knows by
   * the victim's number is not the victim: a load balancer may have led us to another server.
   */
  async kill(victim: ObservedConnection): Promise<void> {
    if (this.#closed) throw new Error('the pool is closed');
    const late = (): Error => new Error(`no answer within ${this.timeoutMs} ms`);
    try {
      await within(this.#kill(victim), this.timeoutMs, late, { hold: 'unheld', allowsForStalls: true });
    } catch (error) {
      // The next kill is better off with a new connection: after a fail-over this one leads to the wrong server.
      this.renewConnection();
      throw error;
    }
  }

  /** The next kill opens a new connection: after a fail-over, or a new password. */
  renewConnection(): void {
    const opening = this.#connection;
    this.#connection = undefined;
    opening?.then((connection) => connection.terminate()).catch(ignore);
  }

  /** Resolves within about a second, also when the server does not answer. */
  async close(): Promise<void> {
    this.#closed = true;
    const end = this.#connection?.then(quit, ignore);
    if (end !== undefined) await within(end, CLOSE_TIMEOUT_MS, goodbyeTooLong, { hold: 'unheld' }).catch(ignore);
    this.renewConnection();
  }

  async #kill(victim: ObservedConnection): Promise<void> {
    const connection = await this.#open();
    if (!(await isSameServer(connection, victim)))
      throw new Error(`connection ${victim.threadId} is not known to the server that was asked`);
    await connection.send((done) => connection.query(`KILL QUERY ${victim.threadId}`, done));
    this.#kills += 1;
  }

  #open(): Promise<ObservedConnection> {
    if (this.#connection === undefined) {
      const opening = this.connect(() => forget());
      const forget = (): void => {
        if (this.#connection === opening) this.#connection = undefined;
      };
      this.#connection = opening;
      opening.catch(forget);
    }
    return this.#connection;
  }
}

function goodbyeTooLong(): Error {
  return new Error('The goodbye of the connection that kills took too long.');
}

function quit(connection: ObservedConnection): Promise<void> {
  return connection.quit();
}

/**
 * Asks the server which address it sees this connection come from, and remembers it there. It is not ours when a proxy or a load balancer stands in
 * between; and a proxy that shares its connections has numbers of its own, by which nothing can be killed.
 *
 * @returns whether other connections of the pool must be asked, too: this side cannot know their addresses
 */
export async function noteAddress(connection: ObservedConnection): Promise<boolean> {
  if (connection.stream.localPort === undefined) return false;
  const row = await processRow(connection, 'CONNECTION_ID()');
  if (row === undefined || Number(row.id) !== connection.threadId) return false;
  connection.addressAtServer = row.host;
  return !comesFromHere(row.host, connection);
}

/** The server shows for each connection the address that it comes from: ours, with our port, or the one that it showed when the connection was new. */
async function isSameServer(connection: ObservedConnection, victim: ObservedConnection): Promise<boolean> {
  if (victim.stream.localPort === undefined) return victim.config.socketPath !== undefined;
  const row = await processRow(connection, String(victim.threadId));
  return row !== undefined && (row.host === victim.addressAtServer || comesFromHere(row.host, victim));
}

function comesFromHere(host: string, { stream, config }: ObservedConnection): boolean {
  return host.endsWith(`:${stream.localPort}`) || (!host.includes(':') && isLoopback(config.host));
}

function processRow(connection: ObservedConnection, id: string): Promise<{ readonly id: unknown; readonly host: string } | undefined> {
  const sql = `SELECT ID AS id, HOST AS host FROM information_schema.PROCESSLIST WHERE ID = ${id}`;
  return new Promise((resolve, reject) => {
    // In place of the pool's own options for results.
    connection.query({ sql, typeCast: true, rowsAsArray: false, nestTables: false }, (error: Error | null, rows: unknown) => {
      if (error === null) resolve((rows as { id: unknown; host: string }[])[0]);
      else reject(error);
    });
  });
}
