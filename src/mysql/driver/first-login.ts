/** Who a connection logged in as when it was opened, and the way back to that user with COM_CHANGE_USER. */

import type { ConnectionConfig, DriverConnection } from './driver.js';

/** What COM_CHANGE_USER overwrites in a connection's configuration, as mysql2 does it. */
type Overwritten = Pick<ConnectionConfig, 'user' | 'password' | 'database' | 'charsetNumber'>;

/** A connection's first login. Its secrets show in no log. */
export class FirstLogin {
  readonly #given: { readonly [K in keyof Overwritten]: Overwritten[K] | undefined };

  constructor({ user, password, database, charsetNumber }: ConnectionConfig) {
    this.#given = { user, password, database, charsetNumber };
  }

  /** The default database of a new connection. */
  get database(): string | undefined {
    return this.#given.database;
  }

  /** Whether the connection is still logged in so, as far as mysql2 knows: a listener, or the pool's own set-up, may have changed that. */
  isKeptBy({ user, database }: ConnectionConfig): boolean {
    return user === this.#given.user && database === this.#given.database;
  }

  /** Logs in again: the server gives the connection a new session, as it does after a handshake. */
  repeat(connection: DriverConnection): Promise<void> {
    // mysql2 takes from there what the options leave out, and an option cannot take a database away.
    Object.assign(connection.config, this.#given);
    return new Promise((resolve, reject) => {
      connection.changeUser({}, (error) => (error ? reject(error) : resolve()));
    });
  }
}
