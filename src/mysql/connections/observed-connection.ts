/** A connection of the pool whose packets are observed: it follows its session, times its commands, and fails what is under way when it is lost. */

import { STALL_MS } from '../../engine/contract/index.js';
import { ignore, performance, inRootContext, thisContext } from '../../engine/waiting/index.js';
import { factsOf, type StatementFacts } from '../../sql/index.js';
import {
  answerIn,
  awaitsPong,
  awaitsResult,
  awaitsRow,
  bindFunctions,
  type Command,
  type ConnectionConfig,
  emitApart,
  endsRows,
  EOF_PACKET,
  ERROR_PACKET,
  errorIn,
  guardCallersCode,
  guardLocalFile,
  hasFunctions,
  LOCAL_FILE_PACKET,
  OK_PACKET,
  type Packet,
  SESSION_STATE_CHANGED,
  statementTextOf,
  statusOfEof,
  statusOfOk,
  withoutIconv,
} from '../driver/index.js';
import { callersError, concernsOneConnection, isCallersError, type ServerError } from '../errors/index.js';
import { askForComment, type Breakage, type StatementLog, statementsToSend } from '../observation/index.js';
import {
  CommandClock,
  connectionClosed,
  connectionLost,
  failApart,
  failCommand,
  failureOfUnrun,
  interrupt,
  isBeingPrepared,
  lastWord,
  serverError,
  stopWhenAbandoned,
} from '../commands/index.js';
import { type DriverPoolOf, LendableConnection, type ConnectionLender } from './lendable-connection.js';
import type { CommitListener } from '../contract/index.js';
import { CommitWatch, type PlaceAtServer, reportedChange, Session } from '../session/index.js';

/** A client's capability (MySQL internals manual, "Capability Flags"). */
const MULTI_STATEMENTS = 0x0001_0000;

/** The server refused the statement, and closes the connection for it: its caller's doing. */
const PACKET_TOO_LARGE = 1153;
/** A KILL has ended the statement, and with MySQL perhaps the connection, which says so a moment later. */
const INTERRUPTED = 1317;

/** What a connection reports to its pool, and asks of it. */
export interface ConnectionOwner extends ConnectionLender {
  /** The server answered with an error. Returns whether the connection is of no more use. */
  answered(error: ServerError, readOnlyAsked: boolean): boolean;
  /** The session has no settings of a borrower any more. */
  unmark(): void;
  /** The connection is closed instead of lent again: a hook has refused it. */
  refuse(error: unknown): void;
  /** Asks the server to stop what the connection runs; see {@link interrupt}. */
  kill(connection: ObservedConnection): Promise<void>;
  /** Sees the statements of borrowers; undefined for a connection that has none. */
  readonly log: StatementLog | undefined;
  /** Learns what is committed; undefined where nothing asks. */
  readonly commits: CommitListener | undefined;
}

/** mysql2's pooled connection, of which each command and each packet is seen. */
export abstract class ObservedConnection extends LendableConnection {
  /** As the server knows it; asked where a proxy or load balancer may stand in between. */
  atServer: PlaceAtServer | undefined;
  /** It may have been closed by the server a moment ago: it is asked before it has another borrower. */
  doubtful: boolean;
  /** On whose behalf it was lent; see `CommitListener`. */
  scope: object | undefined;
  readonly session: Session;
  /** Of the statement that is being written, where the text without its values has said them; for the next command. */
  protected factsAsGiven: StatementFacts | undefined;
  readonly #commits: CommitWatch | undefined;
  readonly #owner: ConnectionOwner;
  readonly #clock: CommandClock;
  readonly #madeAt = performance.now();
  #takenBack: Error | undefined = undefined;

  constructor(pool: DriverPoolOf, config: ConnectionConfig, owner: ConnectionOwner) {
    super(pool, config, owner);
    this.atServer = undefined;
    this.doubtful = false;
    this.scope = undefined;
    this.session = new Session();
    this.factsAsGiven = undefined;
    this.#commits = owner.commits === undefined ? undefined : new CommitWatch(owner.commits, () => owner.isLent());
    this.#owner = owner;
    this.#clock = new CommandClock(owner.log, owner);
  }

  /** The server takes texts of several statements from it. */
  get takesSeveralStatements(): boolean {
    return (this.config.clientFlags & MULTI_STATEMENTS) !== 0;
  }

  /** A command is being answered; how long ago it was sent, in milliseconds. */
  get runningMs(): number | undefined {
    return this._command == null ? undefined : performance.now() - this.#clock.startedAt;
  }

  /** How long no command has been under way, in milliseconds; 0 while one is. */
  get quietMs(): number {
    return this.busy ? 0 : performance.now() - this.#clock.startedAt;
  }

  /** The pool takes the connection back from a borrower who does not give it back. What is asked of it from now on fails with this error. */
  takeBack(error: Error): void {
    this.#takenBack = error;
  }

  /** A reset has taken away what borrowers have asked for. */
  unmark(): void {
    this.#owner.unmark();
  }

  /** It must not be lent again. */
  refuse(error: unknown): void {
    this.#owner.refuse(error);
  }

  /** The statement that is being answered. */
  get runningStatement(): string | undefined {
    return this._command == null ? undefined : statementTextOf(this._command);
  }

  /** Stops a statement of this connection, see {@link interrupt}. */
  interrupt(command: Command): void {
    this.#clock.stop(command);
    interrupt(this, command, (connection) => this.#owner.kill(connection));
  }

  override addCommand<C extends Command>(command: C): C {
    // mysql2's constructor adds the handshake before this class has its fields.
    if (this.session === undefined) return super.addCommand(withoutIconv(command));
    const sql = statementTextOf(command);
    const facts = sql === undefined ? undefined : (this.factsAsGiven ?? factsOf(sql));
    this.factsAsGiven = undefined;
    if (sql !== undefined) {
      failApart(command);
      guardCallersCode(command, this.config);
      if (command.onResult === undefined) stopWhenAbandoned(command);
    }
    if (!this.borrowedByListener && this.setUpByListeners?.takes(command) === true) {
      if (facts !== undefined) this.session.noteStatementOfListener(facts);
    } else {
      this.session.noteCommand(command, facts);
      // A borrower has this very object, and the callbacks and listeners are the borrower's own. What waits for a promise needs nothing.
      if (this.lease !== undefined) {
        emitApart(command);
        answerIn(thisContext(), command);
      } else if (hasFunctions(command)) bindFunctions(thisContext(), command);
    }
    this.#owner.log?.commandSent(this, command, facts);
    this.#commits?.commandSent(command, facts, !this.busy);
    if (statementsToSend.hasSubscribers && facts !== undefined && this.#owner.isLent()) askForComment(command, facts);
    if (!this.busy) this.#clock.start(command, facts?.sql);
    return super.addCommand(command);
  }

  /** What a reader had held up is read where all is read. */
  override resume(): void {
    inRootContext(() => super.resume());
  }

  override handlePacket(packet?: Packet): void {
    // mysql2's constructor starts the handshake before this class has its fields.
    if (this.session === undefined) {
      super.handlePacket(packet);
      return;
    }
    if (this.life === 'cut off') return;
    // It comes again when the connection is resumed.
    if (this._paused && packet !== undefined) {
      super.handlePacket(packet);
      return;
    }
    const command = this._command;
    // Looked at now: reading a packet moves its offset.
    const isRow = packet !== undefined && command?.next === awaitsRow && !endsRows(packet);
    if (packet !== undefined) {
      if ((command == null || packet.sequenceId !== this.sequenceId) && this.#hasLeft(packet, command)) return;
      if (command != null) this.#observe(packet, command);
    }
    // Its end starts the next command, which may end before this returns.
    const { startedAt } = this.#clock;
    super.handlePacket(packet);
    if (this._command === command || command == null) return;
    // mysql2 ends a statement of which a row cannot be read; the rows that follow would be taken for the next one's answer.
    // A command that is over and has a next step had all of its rows: its connection was resumed in the middle of one.
    if (isRow && command.next === null) this.#closeOutOfStep();
    this.#clock.ended(command, startedAt);
  }

  /**
   * mysql2 passes the error to commands with a callback only: a result stream would neither end nor fail. And it reports the failure of a
   * statement that is being prepared twice: once for preparing, once for executing.
   */
  override _notifyError(error: Error): void {
    if (this._fatalError === null) this.#brokeUnder(this._command, error);
    const pending = this._fatalError === null ? this.#pendingCommands() : [];
    const orphans: [Command, Error][] = [];
    for (const command of pending) {
      const own = failureOfUnrun(command, command === this._command, error);
      const { onResult } = command;
      if (isBeingPrepared(command)) command.onResult &&= ignore;
      else if (onResult === undefined && statementTextOf(command) !== undefined) orphans.push([command, own ?? error]);
      else if (onResult !== undefined && own !== undefined) command.onResult = () => onResult.call(command, own);
    }
    super._notifyError(error);
    for (const [command, own] of orphans) failCommand(command, own);
  }

  /** What a command throws before anything of it was sent is its caller's, such as an option that cannot be read. */
  override _handleFatalError(error: unknown): void {
    const command = this._command;
    const isStarting = command?.next != null && command.next === command.start;
    super._handleFatalError(
      isStarting && this.#owner.isLent()
        ? callersError(error, 'The options of a statement must be readable', 'an object that throws when it is read')
        : error,
    );
  }

  /** Not when this process stood still meanwhile: the pool's own limit of the opening decides, which allows for that. */
  override _handleTimeoutError(): void {
    if (performance.now() - this.#madeAt < this.config.connectTimeout + STALL_MS) super._handleTimeoutError();
  }

  override _addCommandClosedState(command: Command): void {
    const error = this.#takenBack ?? connectionClosed(this._protocolError ?? this._fatalError);
    if (command.onResult !== undefined) command.onResult(error);
    // The caller has had no chance yet to listen to the command.
    else process.nextTick(failCommand, command, error);
  }

  /** mysql2 calls this when the connection has ended or failed. */
  override _removeFromPool(): void {
    if (this._pool !== null) {
      // mysql2 listens once; a second error of a broken connection must not end the process.
      this.on('error', ignore);
      // As mysql2 reports it to listeners of an idle connection; by then the pool has marked it as closing, and mysql2 would be silent.
      if (this.stream.readableEnded === true && this.alive && !this.busy)
        this.stream.once('close', () => this._notifyError(connectionLost()));
    }
    // The server has closed its side: what would be sent now would have no answer.
    if (this.stream.readableEnded === true && this.alive) {
      this._protocolError = connectionLost();
      this.addCommand = this.refuseCommand;
    }
    this._pool = null;
    this.#owner.log?.connectionLost(this);
    const error = this._fatalError ?? this._protocolError ?? connectionLost();
    this.#brokeUnder(this._command, error);
    this.#owner.lost(error);
  }

  /** Does nothing when the command was not sent yet. */
  protected statementBroke(command: Command, error: Error, how: Breakage): void {
    if (this._command === command) this.#clock.broke(command, error, how);
  }

  #brokeUnder(command: Command | null | undefined, error: Error): void {
    if (command != null && this.life === 'open' && !isCallersError(error))
      this.statementBroke(command, error, concernsOneConnection(error) ? 'alone' : 'lost');
  }

  #closeOutOfStep(): void {
    const error = new Error('The rest of an abandoned result is still arriving: the connection is closed.');
    this.#owner.lost(error);
    this.terminate(error);
  }

  /** Whether the server has closed the connection, and says why in the place of an answer. */
  #hasLeft(packet: Packet, command: Command | null | undefined): boolean {
    if (packet.buffer[packet.offset] !== ERROR_PACKET || packet.sequenceId !== 0 || this.threadId === null) return false;
    const error = errorIn(packet);
    if (error === undefined) return false;
    if (command != null) {
      if (this.#owner.isLent()) this.#owner.log?.statementFailed(error);
      this.#owner.answered(error, this.session.readOnlyAsked);
    }
    const word = lastWord(error);
    this._protocolError = word;
    this._notifyError(word);
    return true;
  }

  #observe(packet: Packet, command: Command): void {
    const marker = packet.buffer[packet.offset];
    if (marker === OK_PACKET) {
      if (command.next === awaitsResult || command.next === awaitsPong) this.#noteStatus(statusOfOk(packet), packet, command);
      this.#commits?.okReceived(packet, command, this);
    } else if (marker === EOF_PACKET) {
      this.#noteStatus(statusOfEof(packet), packet, command);
      this.#commits?.eofReceived(packet, command, this);
    } else if (marker === ERROR_PACKET) {
      const error = errorIn(packet);
      if (error !== undefined) this.#noteError(error, command);
    } else if (marker === LOCAL_FILE_PACKET && command.next === awaitsResult) {
      guardLocalFile(command, this);
    }
  }

  #noteStatus(status: number | undefined, packet: Packet, command: Command): void {
    if (status === undefined) return;
    const change = (status & SESSION_STATE_CHANGED) === 0 ? undefined : reportedChange(packet, command);
    if (this.setUpByListeners?.has(command) === true) {
      this.session.noteStatusOfListener(status);
      this.setUpByListeners.answered(command, change === 'session' || change === 'unsaid');
      return;
    }
    this.session.noteStatus(status);
    if (change !== undefined) this.session.noteChange(change);
  }

  #noteError(error: ServerError, command: Command): void {
    if (this.#owner.isLent()) this.#owner.log?.statementFailed(error);
    if (error.errno === INTERRUPTED && !this.#clock.wasStopped(command)) this.doubtful = true;
    if (this.#owner.answered(error, this.session.readOnlyAsked) && error.errno !== PACKET_TOO_LARGE)
      this.statementBroke(command, serverError(error), concernsOneConnection(error) ? 'alone' : 'lost');
    this.session.noteError();
  }

  #pendingCommands(): Command[] {
    const commands: (Command | null | undefined)[] = [this._command];
    for (let index = 0; index < this._commands.length; index += 1) commands.push(this._commands.get(index));
    return commands.filter((command): command is Command => command != null);
  }
}
