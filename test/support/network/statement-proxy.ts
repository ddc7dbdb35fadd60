import { connect, createServer, type Socket } from 'node:net';
import { listen, LOOPBACK as HOST, OUTGOING_LOOPBACK as OUTGOING_HOST } from './listen.js';
import { HEADER_LENGTH, PacketReader } from './packet-reader.js';
import { afterAttributes } from './query-attributes.js';

/** What a statement's handler may do to it and to the connection that it came over. */
export interface ProxiedStatement {
  /** The text of a query, or of a statement to be prepared; `EXECUTE` when a prepared one is run, `QUIT` for the goodbye. */
  readonly sql: string;
  readonly link: ProxiedLink;
  /** Sends this text to the server instead. No longer than the original: it is filled up with blanks. Queries only. */
  readonly replace: (sql: string) => void;
}

/** One client's connection through the proxy. */
export interface ProxiedLink {
  /** The server's number of the connection. */
  readonly threadId: number;
  /** What the server says from now on waits until `gate` settles. */
  holdAnswers(gate: Promise<unknown>): void;
  /** What the server says from now on is lost, the end of the connection too. */
  loseAnswers(): void;
  /** Ends the connection with RST, on both sides. */
  reset(): void;
}

/** Called with each statement before it is passed on; it is held back until the promise settles. */
export type StatementHandler = (statement: ProxiedStatement) => void | Promise<unknown>;

/** A network that knows what statements it carries. */
export interface StatementProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What has been passed on so far. */
  readonly statements: readonly string[];
  /** Connections accepted since the start. */
  readonly accepted: number;
  stop(): Promise<void>;
}

export interface StatementProxyOptions {
  readonly port: number;
  /**
   * Whether the server sees the clients' port numbers, as it would without a proxy. They come from another address of this machine.
   * Default: true.
   */
  readonly keepsPorts?: boolean;
  readonly onStatement?: StatementHandler;
}

const QUIT = 0x01;
const QUERY = 0x03;
const PREPARE = 0x16;
const EXECUTE = 0x17;
/** The client's packets of the login begin with what it can do. */
const LOGIN_SEQUENCE = 1;
const CLIENT_QUERY_ATTRIBUTES = 1 << 27;

class Link implements ProxiedLink {
  threadId = 0;
  readonly closed: Promise<unknown>;
  /** Packets are passed on one after the other. */
  #toServer: Promise<unknown> = Promise.resolve();
  #toClient: Promise<unknown> = Promise.resolve();
  #deaf = false;
  #greeted = false;
  /** Whether both sides know query attributes: queries then have their number, and themselves, before the text. */
  #attributes = false;
  #loggedIn = false;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly handler: () => StatementHandler | undefined,
    private readonly note: (sql: string) => void,
  ) {
    const requests = new PacketReader((packet) => this.#request(packet));
    client.on('data', (chunk: Buffer) => requests.add(chunk));
    server.on('data', (chunk: Buffer) => this.#answer(chunk));
    client.on('error', () => undefined);
    server.on('error', () => undefined);
    client.on('close', () => {
      this.#toServer = this.#toServer.then(() => server.destroySoon());
    });
    server.on('close', () => {
      this.#toClient = this.#toClient.then(() => {
        if (!this.#deaf) client.destroySoon();
      });
    });
    this.closed = Promise.all([client, server].map((socket) => new Promise((resolve) => void socket.once('close', resolve))));
  }

  holdAnswers(gate: Promise<unknown>): void {
    this.#toClient = this.#toClient.then(() => gate).catch(() => undefined);
  }

  loseAnswers(): void {
    this.#deaf = true;
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  #request(packet: Buffer): void {
    if (!this.#loggedIn && packet[3] === LOGIN_SEQUENCE)
      this.#attributes &&= (packet.readUInt32LE(HEADER_LENGTH) & CLIENT_QUERY_ATTRIBUTES) !== 0;
    if (packet[3] === 0) this.#loggedIn = true;
    const start = textStartOf(packet, this.#attributes);
    const sql = textOf(packet, start);
    this.#toServer = this.#toServer.then(async () => {
      if (sql !== undefined) {
        const replace = (text: string): void => void packet.write(text.padEnd(packet.length - start), start);
        await this.handler()?.({ sql, link: this, replace });
        this.note(sql);
      }
      if (this.server.writable) this.server.write(packet);
    });
  }

  #answer(chunk: Buffer): void {
    if (!this.#greeted) {
      this.#greeted = true;
      this.threadId = threadIdOf(chunk);
      this.#attributes = offersQueryAttributes(chunk);
    }
    if (this.#deaf) return;
    this.#toClient = this.#toClient.then(() => {
      if (!this.#deaf && this.client.writable) this.client.write(chunk);
    });
  }
}

/** Where a command's text begins. */
function textStartOf(packet: Buffer, attributes: boolean): number {
  const start = HEADER_LENGTH + 1;
  return attributes && packet[3] === 0 && packet[HEADER_LENGTH] === QUERY ? afterAttributes(packet, start) : start;
}

/** A command's number is 0 in its packet's header; what belongs to the login has others. */
function textOf(packet: Buffer, start: number): string | undefined {
  if (packet[3] !== 0) return undefined;
  switch (packet[HEADER_LENGTH]) {
    case QUIT:
      return 'QUIT';
    case QUERY:
    case PREPARE:
      return packet.toString('utf8', start);
    case EXECUTE:
      return 'EXECUTE';
    default:
      return undefined;
  }
}

/** The greeting: protocol version, server version (ends with a zero), number of the connection. */
function threadIdOf(greeting: Buffer): number {
  const end = greeting.indexOf(0, HEADER_LENGTH + 1);
  return end === -1 || greeting.length < end + 5 ? 0 : greeting.readUInt32LE(end + 1);
}

/** The upper half of what the server can do lies after its version, its number, 8 bytes, a zero, the lower half, character set and status. */
function offersQueryAttributes(greeting: Buffer): boolean {
  const upper = greeting.indexOf(0, HEADER_LENGTH + 1) + 1 + 4 + 8 + 1 + 2 + 1 + 2;
  return greeting.length >= upper + 2 && ((greeting.readUInt16LE(upper) << 16) & CLIENT_QUERY_ATTRIBUTES) !== 0;
}

/**
 * Starts a proxy on a free loopback port that looks at each statement before it passes it on. Without TLS and compression only.
 *
 * @example
 * await using proxy = await startStatementProxy({
 *   port: database.port,
 *   onStatement: ({ sql, link }) => { if (sql === 'COMMIT') link.reset(); },
 * });
 */
export async function startStatementProxy({ port, keepsPorts = true, onStatement }: StatementProxyOptions): Promise<StatementProxy> {
  const links = new Set<Link>();
  const statements: string[] = [];
  let accepted = 0;
  const listener = createServer({ noDelay: true }, (client) => {
    accepted += 1;
    const from = keepsPorts ? { localAddress: OUTGOING_HOST, localPort: client.remotePort } : {};
    const server = connect({ host: HOST, port, noDelay: true, ...from } as never);
    const link = new Link(
      client,
      server,
      () => onStatement,
      (sql) => statements.push(sql),
    );
    links.add(link);
    void link.closed.then(() => links.delete(link));
  });
  const ownPort = await listen(listener);
  const stop = async (): Promise<void> => {
    listener.close();
    for (const link of links) link.reset();
    await Promise.all([...links].map((link) => link.closed));
  };
  return {
    host: HOST,
    port: ownPort,
    statements,
    get accepted() {
      return accepted;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
