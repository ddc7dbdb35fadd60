import { type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2/promise';
import { databaseUrl, type UrlOverrides } from '../../../src/demo/database-url.js';
import type { PrivateServer, PrivateServerOptions } from '../../../src/demo/private-server.js';
import { freePort } from '../network/free-port.js';
import { startTcpProxy, type TcpProxy } from '../network/tcp-proxy.js';
import { type ServerKind, startServerOf } from '../sql-servers/kinds.js';

/** A row of a SHOW statement, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** One server of a replicated set. */
export interface ReplicatedNode extends AsyncDisposable {
  /** `host:port`, by which clients and the other nodes know it. */
  readonly name: string;
  /** Where clients and the other nodes reach it: its proxy, or itself where there is none. */
  readonly host: string;
  readonly port: number;
  /** Its number in replication: 1, 2, 3. */
  readonly serverId: number;
  /** The process: `kill('SIGKILL')`, `kill('SIGSTOP')`, `kill('SIGCONT')`, `waitUntilReady()`. */
  readonly server: PrivateServer;
  /** The network before it, for clients and other nodes alike: `pause()`, `refuse()`, `reset()`. */
  readonly proxy: TcpProxy | undefined;
  /** What its configuration says: whether it takes writes when it starts. A promotion and a demotion change it, as an operator does. */
  readOnlyAtStart: boolean;
  /** The application's account, to connect with. */
  readonly connection: Required<Pick<ConnectionOptions, 'host' | 'port' | 'user' | 'password' | 'database'>>;
  url(overrides?: UrlOverrides): string;
  /** Runs statements of the administrator one after the other in one session, past the proxy. Returns the rows of the last one. */
  admin(...statements: readonly string[]): Promise<readonly Row[]>;
  /** Starts it again, ending it first when it runs. */
  restart(): Promise<void>;
}

/** How to start a node. */
export interface NodeOptions {
  readonly kind: ServerKind;
  readonly serverId: number;
  /** Whether a proxy stands before it. */
  readonly proxied: boolean;
  /** The application's: the same on all nodes. */
  readonly password: string;
  /** The arguments of its server, given the port that it is known by, and what {@link ReplicatedNode.readOnlyAtStart} says. */
  readonly arguments: (port: number, readOnly: boolean) => readonly string[];
}

const HOST = '127.0.0.1';
const ATTEMPTS = 5;

/** Each statement gets its own time: a server that waits for a lock must end a test by what it waits for. */
const STATEMENT_TIMEOUT_MS = 60_000;

/** Starts one server that writes a binary log, and the proxy before it. It follows no source yet, and its log is empty. */
export async function startReplicatedNode(options: NodeOptions): Promise<ReplicatedNode> {
  for (let attempt = 1; ; attempt += 1) {
    const ownPort = await freePort(HOST);
    const proxy = options.proxied ? await startTcpProxy({ port: ownPort }) : undefined;
    try {
      return await startOn(ownPort, proxy, options);
    } catch (error) {
      await proxy?.stop();
      if (attempt === ATTEMPTS || !String(error).includes('ddress already in use')) throw error;
    }
  }
}

async function startOn(ownPort: number, proxy: TcpProxy | undefined, options: NodeOptions): Promise<ReplicatedNode> {
  const port = proxy?.port ?? ownPort;
  let readOnlyAtStart = false;
  const serverOptions: PrivateServerOptions = {
    port: ownPort,
    arguments: () => options.arguments(port, readOnlyAtStart),
    // MySQL's views of replication are in it.
    performanceSchema: options.kind === 'mysql',
  };
  const server = await startServerOf(options.kind, serverOptions);
  const { user, database } = server;
  const connection = { host: HOST, port, user, password: options.password, database };
  await asAdmin(server, ['SET SESSION sql_log_bin = 0', `ALTER USER '${user}'@'%' IDENTIFIED BY '${options.password}'`]);
  const stop = async (): Promise<void> => void (await Promise.all([proxy?.stop(), server.stop()]));
  return {
    name: `${HOST}:${port}`,
    host: HOST,
    port,
    serverId: options.serverId,
    server,
    proxy,
    get readOnlyAtStart() {
      return readOnlyAtStart;
    },
    set readOnlyAtStart(value) {
      readOnlyAtStart = value;
    },
    connection,
    url: (overrides) => databaseUrl(connection, overrides),
    admin: (...statements) => asAdmin(server, statements),
    restart: () => server.restart(),
    [Symbol.asyncDispose]: stop,
  };
}

async function asAdmin(server: PrivateServer, statements: readonly string[]): Promise<readonly Row[]> {
  const session = await createConnection({
    host: server.host,
    port: server.port,
    user: server.adminUser,
    password: server.adminPassword,
    dateStrings: true,
  });
  try {
    let rows: readonly Row[] = [];
    for (const sql of statements) {
      const [result] = await session.query<RowDataPacket[]>({ sql, timeout: STATEMENT_TIMEOUT_MS });
      rows = Array.isArray(result) ? result : [];
    }
    return rows;
  } finally {
    // Its goodbye would wait for a statement that took too long, without an end.
    session.destroy();
  }
}

/** The nodes that are being started; none is left running when one does not start. */
export async function allOrNone(starting: readonly Promise<ReplicatedNode>[]): Promise<readonly ReplicatedNode[]> {
  const outcomes = await Promise.allSettled(starting);
  const nodes = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return nodes;
  await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
  throw failed.reason;
}
