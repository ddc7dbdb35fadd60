/** Where the database is: its host and port or its socket, and the name that a pool gets from it. */

/** Where the database is. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string | undefined;
  readonly database: string | undefined;
}

/** Without a host it is this machine, as for mysql2. */
export function endpointOf({ host = 'localhost', port = 3306, socketPath, database }: Partial<Endpoint>): Endpoint {
  return Object.freeze({ host, port, socketPath, database });
}

export function nameOf({ host, port, socketPath, database }: Endpoint): string {
  const where = socketPath ?? `${host}:${port}`;
  return database === undefined ? where : `${database}@${where}`;
}

/** How mysql2 names a server on its diagnostics channels. */
export interface TracedEndpoint {
  readonly database: string;
  readonly serverAddress: string;
  readonly serverPort: number | undefined;
}

export function tracedEndpoint({ host, port, socketPath, database }: Endpoint): TracedEndpoint {
  return { database: database ?? '', serverAddress: socketPath ?? host, serverPort: socketPath === undefined ? port : undefined };
}
