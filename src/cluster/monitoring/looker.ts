/** How one server is looked at: over a connection of the monitor's own, which is opened again when it fails. */

import { ignore } from '../../engine/waiting/index.js';
import { type LoneConnection, openLone, type ResolvedOptions } from '../../mysql/index.js';
import type { DiscoveryKind, NodeReading, RoleWord } from '../contract/index.js';
import { readNode } from '../discovery/index.js';
import { performance } from '../../engine/waiting/index.js';

/** What one look found. */
export interface Look {
  readonly reading: NodeReading;
  /** How long the server took to answer a ping, in milliseconds. */
  readonly latencyMs: number;
}

/** Looks at one server. The watch bounds the time, and calls `abandon()` when it is over. */
export interface Looker {
  /**
   * @param fresh over a new connection: the name may lead to another server by now
   * @param heard is called as soon as it is known whether the server takes writes, which is before the rest is
   */
  look(fresh: boolean, heard: (word: RoleWord) => void): Promise<Look>;
  /** Resolves when the server answers. */
  probe(): Promise<void>;
  /** Gives up what is under way: the next look opens a new connection. */
  abandon(): void;
  /** Says goodbye. Never rejects. */
  end(): Promise<void>;
}

/** Looks at a server of MySQL's protocol. */
export class ServerLooker implements Looker {
  #connection: Promise<LoneConnection> | undefined = undefined;
  /** What was opened last, for an end that cannot wait. */
  #opened: LoneConnection | undefined = undefined;
  #ended = false;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly kind: DiscoveryKind | 'auto',
  ) {}

  async look(fresh: boolean, heard: (word: RoleWord) => void): Promise<Look> {
    if (fresh) this.abandon();
    const connection = await this.#connected();
    const reading = await readNode(connection, this.kind, heard);
    const sentAt = performance.now();
    await connection.ping();
    return { reading, latencyMs: performance.now() - sentAt };
  }

  async probe(): Promise<void> {
    const connection = await this.#connected();
    await connection.ping();
  }

  abandon(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#opened = undefined;
    connection?.then((opened) => opened.terminate(), ignore);
  }

  async end(): Promise<void> {
    this.#ended = true;
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) this.abandon();
    else await opened.quit();
  }

  #connected(): Promise<LoneConnection> {
    if (this.#ended) return Promise.reject(new Error('The cluster has ended.'));
    if (this.#opened?.alive === false) this.abandon();
    this.#connection ??= this.#open();
    return this.#connection;
  }

  async #open(): Promise<LoneConnection> {
    const opening = openLone(this.options);
    try {
      const opened = await opening;
      this.#opened = opened;
      return opened;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }
}
