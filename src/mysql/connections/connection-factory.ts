/** Opens, checks, cleans and closes the connections of one pool. */

import {
  type CloseRequest,
  type Description,
  invalidUnquoted,
  messageOf,
  type OpenContext,
  PoolError,
  type Preparation,
  type ResourceFactory,
} from '../../engine/index.js';
import { ignore, ignoreRejection, inRootContext } from '../../engine/waiting/index.js';
import { type ConnectionConfig, Knocker } from '../driver/index.js';
import {
  callersError,
  classOfErrno,
  classOfServerError,
  type ErrorClass,
  isConnectionLost,
  isPermanentConnectError,
  isServerError,
  isTooManyStatements,
  labelOf,
  markPermanent,
  type ServerError,
} from '../errors/index.js';
import { SessionMark } from '../contract/index.js';
import { takenBack } from './borrowed-connection.js';
import type { ConnectionHost } from './connection-host.js';
import { type Baseline, changeSettings, cleanSession, isClean, settle } from './hygiene.js';
import { noteAddress } from './killer.js';
import { trackCommits, trackSession } from './restored-session.js';
import { checkRole, WrongRole } from './server-role.js';
import { ManagedConnection } from './managed-connection.js';
import { openOutside } from './outside-opening.js';
import type { ConnectionOwner } from './observed-connection.js';
import { takesTracking } from '../session/index.js';
import { connectionLost } from '../commands/index.js';
import { type KnownCredentials, Logins, sourceOf } from '../credentials/index.js';
import { copyOf, type Hygiene, type LoginIdentity, plaintextRefused, type ResolvedOptions } from '../options/index.js';
import { factsOf } from '../../sql/index.js';

/** Of a statement that is shown in an error or to an operator. */
const LONGEST_SHAPE = 160;

/** When `connectTimeout` is 0. */
const LONGEST_CONNECT_MS = 60_000;

/** Opens, checks, cleans and closes the connections of one pool. */
export class ConnectionFactory implements ResourceFactory<ManagedConnection> {
  /** Nothing is known to lead straight to the server: connections are killed by the address that the server sees. */
  #asksForAddresses = true;
  /** A proxy shares its connections to the server between those of this pool and others. */
  #behindSharingProxy = false;
  readonly #logins = new Logins();
  /** With which credentials of the application's source a connection has logged in. */
  readonly #loggedInWith = new WeakMap<ManagedConnection, KnownCredentials>();
  /** How an opener connected last: the pool's own connection goes the same way. */
  #lastConfig: ConnectionConfig | undefined = undefined;
  readonly #knocker = new Knocker();
  readonly preparesEach: boolean;
  readonly recyclesByHook: boolean;

  constructor(
    private options: ResolvedOptions,
    private readonly host: ConnectionHost,
  ) {
    this.preparesEach = options.onAcquire !== undefined;
    this.recyclesByHook = options.onRelease !== undefined;
  }

  /** Connections that are opened from now on lead elsewhere. */
  moveTo(options: ResolvedOptions): void {
    this.options = options;
    this.#asksForAddresses = true;
  }

  async open({ signal, lost, doom, unmark, isLent }: OpenContext): Promise<ManagedConnection> {
    this.host.connecting();
    const connection = await this.#open(signal, {
      lost,
      isLent,
      unmark,
      refuse: (error) => doom('hook', error),
      log: this.host.log,
      commits: this.options.commits,
      kill: (victim) => this.host.kill(victim),
      answered: (error, readOnlyAsked) => this.#answered(error, readOnlyAsked, doom),
    });
    const release = terminateOnAbort(connection, signal);
    try {
      const { role } = this.options;
      // Before any caller's code sees it.
      if (role !== 'any') await checkRole(connection, role);
      if (this.#asksForAddresses) await this.#noteAddress(connection);
      await this.#setUp(connection);
      await this.#announce(connection);
      return connection;
    } catch (error) {
      connection.terminate();
      throw error;
    } finally {
      release();
    }
  }

  /** A connection of the pool's own, beside those that it lends. */
  openAside(lost: () => void): Promise<ManagedConnection> {
    const owner: ConnectionOwner = {
      lost,
      isLent: () => false,
      log: undefined,
      commits: undefined,
      unmark: ignore,
      refuse: ignore,
      answered: () => false,
      kill: () => Promise.reject(new Error('bug: not a statement of a borrower')),
    };
    return this.#connect(AbortSignal.timeout(this.options.atStart.connectTimeout || LONGEST_CONNECT_MS), owner);
  }

  close(connection: ManagedConnection, { force, reason }: CloseRequest): Promise<void> | undefined {
    const { opener } = this.options;
    if (reason === 'reclaimed') connection.takeBack(takenBack('A statement on a'));
    if (force) {
      connection.terminate();
      // To know of its end, though not to say goodbye.
      if (opener !== undefined) opener.close(connection).catch(ignore);
      return undefined;
    }
    return opener === undefined ? connection.quit() : opener.close(connection).then(() => connection.quit());
  }

  validate(connection: ManagedConnection): Promise<void> {
    return connection.send((done) => connection.ping(done));
  }

  recycle(connection: ManagedConnection): Promise<void> | undefined {
    if (this.recyclesByHook) return inRootContext(() => this.#recycleByHook(connection));
    const hygiene = this.#hygieneOf(connection);
    if (isClean(connection, hygiene)) return undefined;
    return inRootContext(() => cleanSession(connection, hygiene, this.#baselineOf(connection)));
  }

  async prepare(connection: ManagedConnection, { mark, from, uses }: Preparation): Promise<PoolError | undefined> {
    if (mark !== undefined && !(mark instanceof SessionMark))
      return invalidUnquoted('mark', mark, 'left out: ask for settings with session');
    if (mark?.key !== from?.key) {
      const refusal = await inRootContext(() => changeSettings(connection, mark, this.#baselineOf(connection)));
      if (refusal !== undefined) return refusal;
    }
    await this.host.hooks?.beforeLending(connection, { isNew: uses === 0, use: uses + 1, session: mark?.settings });
    return undefined;
  }

  park(connection: ManagedConnection): void {
    this.host.announce('release', connection);
  }

  unpark(connection: ManagedConnection, why: 'lent' | 'closing'): void {
    this.host.hold();
    if (why === 'lent') this.host.announce('acquire', connection);
  }

  quietMs(connection: ManagedConnection): number {
    return connection.quietMs;
  }

  describe(connection: ManagedConnection): Description {
    const { threadId, session, runningMs, runningStatement } = connection;
    const { inTransaction } = session;
    const statement = runningStatement === undefined ? undefined : factsOf(runningStatement).digestUpTo(LONGEST_SHAPE);
    const shape = statement === undefined ? '' : `: ${statement}`;
    const doing = runningMs === undefined ? 'no statement running' : `a statement running for ${Math.round(runningMs)} ms${shape}`;
    return {
      description: `connection ${threadId} (${inTransaction ? 'in a transaction, ' : ''}${doing})`,
      inTransaction,
      ...(statement === undefined ? {} : { statement }),
      ...(runningMs === undefined ? {} : { runningMs }),
    };
  }

  isPermanent(thrown: unknown): boolean {
    if (this.options.opener?.patience === 'patient') return false;
    const error = this.#causeOf(thrown);
    const overridden = isServerError(error) ? this.#overriddenClass(error) : undefined;
    return overridden === undefined ? isPermanentConnectError(error) : overridden === 'connect-permanent';
  }

  /** An application's own way to the server, by `stream` or an opener, may cost more than a connect. */
  knock(error: unknown): Promise<boolean> | undefined {
    return this.options.opener === undefined ? this.#knocker.knockAfter(error, this.host.driverPool.createConnectionConfig()) : undefined;
  }

  isMisplaced(error: unknown): boolean {
    return error instanceof WrongRole;
  }

  codeOf(error: unknown): string {
    return labelOf(this.#causeOf(error));
  }

  #causeOf(error: unknown): unknown {
    return this.options.opener === undefined ? error : this.options.opener.causeOf(error);
  }

  #open(signal: AbortSignal, owner: ConnectionOwner): Promise<ManagedConnection> {
    const { opener, flavor } = this.options;
    if (opener === undefined) return this.#connect(signal, owner);
    return openOutside(opener, signal, owner, (config, ownOwner) => {
      this.#lastConfig = copyOf(config);
      this.host.leadsTo?.(config);
      return new ManagedConnection(this.host.driverPool, config, flavor, ownOwner);
    });
  }

  async #connect(signal: AbortSignal, owner: ConnectionOwner): Promise<ManagedConnection> {
    const { credentials, atStart } = this.options;
    if (credentials === undefined) return await this.#logIn(signal, owner, {});
    // The end of a connection whose login was refused is not the end of the opening.
    let opened: ManagedConnection | undefined;
    const lost = (error: Error): void => (opened === undefined ? undefined : owner.lost(error));
    const attempt = (login: LoginIdentity): Promise<ManagedConnection> => this.#logIn(signal, { ...owner, lost }, login);
    const { made, credentials: used } = await this.#logins.logIn(sourceOf(credentials), atStart.connectTimeout, attempt);
    opened = made;
    if (!made.alive) throw made._fatalError ?? made._protocolError ?? connectionLost();
    this.#loggedInWith.set(made, used);
    return made;
  }

  async #logIn(signal: AbortSignal, owner: ConnectionOwner, login: LoginIdentity): Promise<ManagedConnection> {
    signal.throwIfAborted();
    const config = this.#lastConfig === undefined ? this.host.driverPool.createConnectionConfig() : copyOf(this.#lastConfig);
    Object.assign(config, login);
    const connection = this.#knocker.useFor(config, () => new ManagedConnection(this.host.driverPool, config, this.options.flavor, owner));
    const release = terminateOnAbort(connection, signal);
    try {
      await handshake(connection);
      return connection;
    } catch (error) {
      connection.terminate();
      throw connectFailure(connection, error);
    } finally {
      release();
    }
  }

  /** A borrower's settings are known to be what the session has: one that changed more than these is reset, however lax the pool is. */
  #hygieneOf({ settings }: ManagedConnection): Hygiene {
    const { hygiene } = this.options;
    return settings === undefined || hygiene === 'always' ? hygiene : 'auto';
  }

  #baselineOf(connection: ManagedConnection): Baseline {
    return {
      repeatable: () => connection.setUpByListeners?.repeatable !== false,
      replay: () => this.#replay(connection),
      mayLogInAgain: () => this.#isLoginCurrent(connection),
      database: connection.login.database,
      reset: () => {
        connection.settings = undefined;
        connection.unmark();
        this.host.sessionReset();
      },
    };
  }

  /** The hook comes first: it sees what its borrower has left, and what it does itself is cleaned. */
  async #recycleByHook(connection: ManagedConnection): Promise<void> {
    await settle(connection);
    const { session, settings } = connection;
    const refusal = await this.host.hooks?.afterReturn(connection, { inTransaction: session.inTransaction, session: settings?.settings });
    if (refusal === undefined) await cleanSession(connection, this.#hygieneOf(connection), this.#baselineOf(connection));
    else connection.refuse(refusal);
  }

  /** Returns whether the connection is of no more use. */
  #answered(error: ServerError, readOnlyAsked: boolean, doom: () => void): boolean {
    const errorClass = this.#overriddenClass(error) ?? classOfServerError(error, readOnlyAsked);
    if (errorClass === 'connection-fatal' || errorClass === 'endpoint-poisoned') doom();
    if (errorClass === 'endpoint-poisoned') this.host.poisoned(error);
    if (isTooManyStatements(error)) this.host.tooManyStatements();
    return errorClass === 'connection-fatal';
  }

  /** It is asked in the middle of a packet: a throw must not keep the error from its waiter. */
  #overriddenClass(error: ServerError): ErrorClass | undefined {
    try {
      const answer = this.options.classifyError?.(error);
      if (ignoreRejection(answer)) throw new Error('it returned a promise.');
      return answer;
    } catch (cause) {
      process.emitWarning(`The option classifyError threw an error: ${messageOf(cause)}`);
      return undefined;
    }
  }

  /** A login with a password that has changed, or expired, would be refused, and count as an attempt with a wrong one. */
  #isLoginCurrent(connection: ManagedConnection): boolean {
    const { credentials } = this.options;
    const used = this.#loggedInWith.get(connection);
    return credentials === undefined || used === undefined || sourceOf(credentials).isCurrent(used);
  }

  async #noteAddress(connection: ManagedConnection): Promise<void> {
    try {
      const way = await noteAddress(connection);
      this.#asksForAddresses = way === 'through';
      this.#behindSharingProxy = way === 'shared';
    } catch (error) {
      if (isConnectionLost(error)) throw error;
      // The address is not known: then what runs too long is cut off, not killed. The next one is asked where a proxy had no server to ask.
      this.#asksForAddresses = isServerError(error) && classOfErrno(error.errno, error.message) === 'connect-transient';
    }
  }

  /** What every session needs before it is lent. What is done here is not a borrower's doing. */
  async #setUp(connection: ManagedConnection): Promise<void> {
    const { onConnect, hygiene, commits } = this.options;
    if (hygiene === 'auto' && takesTracking(connection, this.#behindSharingProxy)) await trackSession(connection);
    if (commits !== undefined) await trackCommits(connection);
    if (onConnect !== undefined) await runCallers(onConnect, connection);
    // It may have sent something without waiting for the answer.
    if (connection.busy) await connection.send((done) => connection.ping(done));
    connection.session.setUp();
  }

  /** Listeners of mysql2's event may set the session up too: what they send right away comes before the first borrower's statement. */
  async #announce(connection: ManagedConnection): Promise<void> {
    if (!this.host.announce('connection', connection)) return;
    if (connection.busy) await connection.send((done) => connection.ping(done));
  }

  /** Listeners cannot be asked again: what they have done is done again in their place. */
  async #replay(connection: ManagedConnection): Promise<void> {
    await this.#setUp(connection);
    for (const { method, sql, values } of connection.setUpByListeners?.steps ?? []) {
      await connection.send((done) => (values === undefined ? connection[method](sql, done) : connection[method](sql, values, done)));
    }
    connection.session.setUp();
  }
}

async function runCallers(onConnect: NonNullable<ResolvedOptions['onConnect']>, connection: ManagedConnection): Promise<void> {
  try {
    await onConnect(connection.promise());
  } catch (error) {
    throw isServerError(error) || isConnectionLost(error)
      ? error
      : callersError(error, 'onConnect must throw errors only', 'something else');
  }
}

function handshake(connection: ManagedConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error === null ? resolve() : reject(error)));
  });
}

/** Errors of connecting as they are, except those that Poolwright can say more about. */
function connectFailure({ config: { host }, stream }: ManagedConnection, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, errno } = error as NodeJS.ErrnoException;
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return plaintextRefused(host, error);
  if (code === 'HANDSHAKE_SSL_ERROR' && stream.authorizationError != null) markPermanent(error);
  if (errno !== undefined && classOfErrno(errno, error.message) === 'endpoint-poisoned') {
    return new PoolError('POOL_ENDPOINT_POISONED', `${host} answers but must not be used now: ${error.message}`, { cause: error });
  }
  return error;
}

/** Returns the function that ends it. */
function terminateOnAbort(connection: ManagedConnection, signal: AbortSignal): () => void {
  const stop = (): void => connection.terminate(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}
