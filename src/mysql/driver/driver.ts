/** Everything that Poolwright uses of mysql2, also of its internals, in one place. */

import type { EventEmitter } from 'node:events';
import mysql from 'mysql2';
import mysqlPromise from 'mysql2/promise';
import { keepShape } from '../../engine/index.js';
import type { PreparedStatements } from './prepared-statements.js';

// What is not in mysql2's typings is declared here, and test/mysql/driver/driver.test.ts holds it against the installed version.

export type SslOptions = mysql.SslOptions;
export type ConnectionOptions = mysql.ConnectionOptions;
export type DriverPoolOptions = mysql.PoolOptions;
export type DriverPromisePool = mysqlPromise.Pool;
/** With mysql2's typings; what we build on is {@link DriverCallbackPool}. */
export type CallbackPoolOfMysql2 = mysql.Pool;
export type DriverClusterOptions = mysql.PoolClusterOptions;
/** mysql2/promise's prepared statement; its methods are properties of the object. */
export interface PreparedStatement {
  execute(parameters: unknown): Promise<unknown>;
  close(): Promise<void>;
}

export type DriverPromisePoolConnection = mysqlPromise.PoolConnection;
export type QueryOptions = mysql.QueryOptions;
export type QueryValues = mysql.QueryValues;
export type ExecuteValues = mysql.ExecuteValues;
export type QueryResult = mysql.QueryResult;
export type QueryError = mysql.QueryError;
/** What a statement by callback returns. */
export type QueryCommand = mysql.Query;
export type FieldPacket = mysql.FieldPacket;

/** A command of the protocol: queued on a connection, one at a time. */
export interface Command {
  onResult?: ((error: Error | null, rows?: unknown, fields?: unknown) => void) | undefined;
  /** The text of a Query or Execute; with values put in, for a Query that was started. */
  readonly sql?: string;
  /** Of a Query: its values, where they were not put into the text yet. */
  readonly values?: unknown;
  /** Of a Query: the options that it was made with. */
  readonly _queryOptions?: { readonly timeout?: unknown; readonly signal?: unknown; readonly attributes?: unknown; typeCast?: unknown };
  /** Of an Execute: the prepared statement; `undefined` until it is prepared. */
  readonly statement?: { readonly query: string } | undefined;
  /** Of an Execute: its values. */
  readonly parameters?: unknown;
  /** Of an Execute: the options that it was made with. */
  readonly _executeOptions?: { readonly attributes?: unknown; typeCast?: unknown };
  /** Of a Query or Execute: opens the file that LOAD DATA LOCAL asks for. */
  _streamFactory?: ((path: string) => unknown) | undefined;
  /** Of a Query: the step that waits for the answer to that file. */
  infileOk?: unknown;
  /** Of a Query or Execute: stops listening to that file. */
  readonly _unpipeStream?: () => void;
  /** Only a ChangeUser has it. */
  readonly currentConfig?: unknown;
  /** Only a ResetConnection has it. */
  readonly resetConnectionResponse?: unknown;
  /** The first step; returns the next one, or nothing at the end. */
  start?: (packet: Packet | undefined, connection: DriverConnection) => unknown;
  /** The step that takes the next packet; none before the command was started, and after it has ended. */
  readonly next?: unknown;
  /** mysql2's own timer, which leaves the statement running. */
  timeout?: number | undefined;
  emit(event: string, ...details: unknown[]): boolean;
  listenerCount(event: string): number;
  on(event: string, listener: (...details: unknown[]) => void): this;
  once(event: string, listener: (...details: unknown[]) => void): this;
}

export interface Packet {
  readonly buffer: Buffer;
  /** Where the payload starts, and where it ends. */
  readonly offset: number;
  readonly end: number;
  /** Its place in the exchange that a command begins with 0, so that the first of an answer has 1. */
  readonly sequenceId: number;
}

export interface Socket {
  /** Node's TLSSocket: why the certificate was not accepted. */
  readonly authorizationError?: unknown;
  readonly localPort?: number;
  readonly remoteAddress?: string;
  readonly destroyed: boolean;
  /** Node's Readable: the other side has said that it sends no more. */
  readonly readableEnded?: boolean;
  destroy(): void;
  ref?(): void;
  unref?(): void;
  once(event: string, listener: () => void): this;
  removeListener(event: string, listener: () => void): this;
  /** Node's net.Socket: the name that TLS verifies when it is given a socket and no name. */
  _host?: string | null;
}

/** A connection's configuration, as mysql2's ConnectionConfig makes it. */
export interface ConnectionConfig {
  host: string;
  port: number;
  socketPath?: string;
  user?: string;
  password?: string;
  database?: string;
  ssl: SslOptions | false;
  trace: boolean;
  charsetNumber: number;
  clientFlags: number;
  gracefulEnd: boolean;
  namedPlaceholders: boolean;
  maxPreparedStatements: number;
  connectTimeout: number;
  readonly enableKeepAlive: boolean;
  readonly keepAliveInitialDelay: number;
  /** A connection to the server that is there already, or a function that makes one. */
  stream?: unknown;
  readonly queryFormat?: unknown;
  typeCast?: unknown;
  pool?: unknown;
}

/** mysql2's pooled connection, as far as we build on it. */
export interface DriverConnection extends EventEmitter {
  readonly config: ConnectionConfig;
  readonly threadId: number;
  /** The place that the next packet of the server's should have. */
  readonly sequenceId: number;
  stream: Socket;
  lastActiveTime: number;
  _pool: unknown;
  _released: boolean;
  _closing?: boolean;
  _command?: Command | null;
  readonly _commands: { readonly length: number; get(index: number): Command; unshift(command: Command): number };
  readonly _paused: boolean;
  _fatalError: Error | null;
  _protocolError: Error | null;
  readonly _isMariaDB: boolean;
  readonly _handshakePacket: { readonly serverVersion: string } | null;
  connect(callback: (error: NodeJS.ErrnoException | null) => void): void;
  query(sql: unknown, ...rest: unknown[]): Command;
  execute(sql: unknown, ...rest: unknown[]): Command;
  prepare(sql: unknown, callback?: unknown): unknown;
  unprepare(sql: unknown): unknown;
  /** Prepared statements, each closed when it is taken out. */
  readonly _statements: PreparedStatements;
  ping(callback: (error: Error | null) => void): unknown;
  changeUser(options: object, callback: (error: Error | null | undefined) => void): unknown;
  /** From 3.22 on. */
  reset?(callback: (error: Error | null) => void): unknown;
  writePacket(packet: { readonly buffer: Buffer; length(): number; writeHeader(sequenceId: number): void }): void;
  pause(): void;
  resume(): void;
  escapeId(name: string): string;
  promise(): mysqlPromise.PoolConnection;
  release(): void;
  destroy(): void;
  end(callback?: (error?: Error) => void): unknown;
  addCommand<C extends Command>(command: C): C;
  handlePacket(packet?: Packet): void;
  _notifyError(error: Error): void;
  /** Called with an error of the socket, by `_handleNetworkError`, and with what was thrown while a command ran. */
  _handleFatalError(error: unknown): void;
  /** Called when `connectTimeout` has passed before the login was over. */
  _handleTimeoutError(): void;
  _addCommandClosedState(command: Command): void;
  _removeFromPool(): void;
  /** `end` as a connection's that is in no pool: queues COM_QUIT. */
  _realEnd(callback?: (error?: Error) => void): unknown;
}

type PoolConnectionConstructor = new (pool: unknown, options: { config: ConnectionConfig }) => DriverConnection;

/** mysql2's PoolConnection, which our connections extend, so that `instanceof` holds. */
export const DriverPoolConnection = mysql.PoolConnection as unknown as PoolConnectionConstructor;

interface PoolConfig {
  connectionConfig: ConnectionConfig;
  waitForConnections: boolean;
  connectionLimit: number;
  maxIdle: number;
  idleTimeout: number;
  queueLimit: number;
  resetOnRelease: boolean;
}

/** mysql2's callback pool, as far as we build on it. */
export interface DriverCallbackPool extends EventEmitter {
  readonly config: PoolConfig;
  _closed: boolean;
  getConnection(callback: never): void;
  query(sql: unknown, ...rest: unknown[]): Command;
  execute(sql: unknown, ...rest: unknown[]): void;
  promise(promiseImplementation?: PromiseConstructor): mysqlPromise.Pool;
  releaseConnection(connection: unknown): void;
  end(callback?: (error?: Error | null) => void): void;
}

type PoolConstructor = new (options: { config: PoolConfig }) => DriverCallbackPool;

/** mysql2's callback pool. */
export const DriverPool = (mysql as unknown as { Pool: PoolConstructor }).Pool;

type PromisePoolConstructor = new (pool: unknown, promise?: PromiseConstructor) => mysqlPromise.Pool;

/** A pool in a cluster. */
export interface DriverClusterNode {
  readonly id: string;
  errorCount: number;
  readonly pool: DriverCallbackPool;
  _offlineUntil: number;
}

/** mysql2's cluster of pools, as far as we build on it. */
export interface DriverPoolCluster extends EventEmitter {
  _lastId: number;
  readonly _nodes: Record<string, DriverClusterNode | undefined>;
  readonly _serviceableNodeIds: string[];
  _clearFindCaches(): void;
  of(pattern?: unknown, selector?: unknown): { getConnection(callback: never): unknown };
  add(id: unknown, options?: unknown): void;
}

type PoolClusterConstructor = new (options?: mysql.PoolClusterOptions) => DriverPoolCluster;

/** mysql2's cluster of pools. */
export const DriverPoolCluster = (mysql as unknown as { PoolCluster: PoolClusterConstructor }).PoolCluster;

type PromisePoolClusterConstructor = new (cluster: unknown, promise?: PromiseConstructor) => mysqlPromise.PoolCluster;

/** mysql2's promise form of a cluster, which it does not export: a cluster without pools does nothing. */
export const DriverPromisePoolCluster = mysqlPromise.createPoolCluster().constructor as PromisePoolClusterConstructor;

/** mysql2's promise pool. */
export const DriverPromisePool = (mysqlPromise as unknown as { PromisePool: PromisePoolConstructor }).PromisePool;

type PromisePoolConnectionConstructor = new (connection: unknown, promise?: PromiseConstructor) => mysqlPromise.PoolConnection;

/** mysql2's promise form of a pooled connection. */
export const DriverPromisePoolConnection = (mysqlPromise as unknown as { PromisePoolConnection: PromisePoolConnectionConstructor })
  .PromisePoolConnection;

interface ConnectionConfigClass {
  new (options: ConnectionOptions): ConnectionConfig;
  getSSLProfile(name: string): SslOptions;
  getCharsetNumber(charset: string): number;
  parseUrl(url: string): DriverPoolOptions;
}

const DriverConnectionConfig = (mysql as unknown as { ConnectionConfig: ConnectionConfigClass }).ConnectionConfig;

/** mysql2's defaults filled in. It prints unknown options to stderr: give it none. */
export function connectionConfig(options: ConnectionOptions): ConnectionConfig {
  return new DriverConnectionConfig(options);
}

/**
 * What mysql2 reads in a URL; what the URL leaves out may be there as an empty text or NaN.
 *
 * @throws TypeError as mysql2 does, but Node's error would quote the URL, and with it the password
 */
export function parseDriverUrl(url: string): DriverPoolOptions {
  try {
    return DriverConnectionConfig.parseUrl(url);
  } catch (error) {
    if (error instanceof TypeError && 'input' in error) throw Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' });
    throw error;
  }
}

/** The TLS options of one of mysql2's named profiles, as an object of the caller's own. */
export function sslProfile(name: string): SslOptions {
  return { ...DriverConnectionConfig.getSSLProfile(name) };
}

type CreateQuery = (sql: string, values: unknown, callback: Command['onResult'], config: object) => Command;

/** A command that runs a statement, not yet on any connection. */
export const createQuery: CreateQuery = (mysql as unknown as { createQuery: CreateQuery }).createQuery;

const queryPrototype = Object.getPrototypeOf(createQuery('', undefined, undefined, {})) as {
  readonly constructor: new () => Command;
  readonly resultsetHeader: unknown;
  readonly infileOk: unknown;
  readonly row: unknown;
};

keepShape(queryPrototype.constructor, {});

/** The step of a command that waits for the first packet of a result: an OK packet, or the number of columns. */
export const awaitsResult: unknown = queryPrototype.resultsetHeader;

/** The step of a Query that waits for the answer to the file that it has sent. mysql2 forgot it in Execute. */
export const awaitsFileAnswer: unknown = queryPrototype.infileOk;

/** The step of a command that waits for the next row, or for the end of the rows. */
export const awaitsRow: unknown = queryPrototype.row;

const queuedNowhere = { addCommand: (command: Command): Command => command };

/** The step of a ping that waits for its OK packet. mysql2 does not export the class of pings. */
export const awaitsPong: unknown = Reflect.apply<typeof queuedNowhere, [], { readonly pingResponse: unknown }>(
  DriverPoolConnection.prototype.ping,
  queuedNowhere,
  [],
).pingResponse;

/** Whether `value` is a command that was made by `createQuery`, which `connection.query` takes as it is. */
export function isQueryCommand(value: unknown): value is Command {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === queryPrototype;
}

type CommandConstructor = new () => Command & { emit(event: string): boolean };

/** The class of every command. */
export const DriverCommand = Object.getPrototypeOf(queryPrototype.constructor) as CommandConstructor;

const collations = (mysql as unknown as { Charsets: Readonly<Record<string, number>> }).Charsets;

/** The statement that makes a session use the collation of this number, as a login with it does. */
export function charsetStatement(charsetNumber: number): string | undefined {
  const collation = Object.keys(collations)
    .find((name) => collations[name] === charsetNumber && name.includes('_'))
    ?.toLowerCase();
  if (collation === undefined) return undefined;
  return `SET NAMES '${collation.slice(0, collation.indexOf('_'))}' COLLATE '${collation}'`;
}

/** @throws TypeError when mysql2 does not know the name */
export function charsetNumberOf(charset: string): number {
  return DriverConnectionConfig.getCharsetNumber(charset);
}

/** The text of a command that runs a statement. */
export function statementTextOf(command: Command): string | undefined {
  return command.sql ?? command.statement?.query;
}
