import { connect, createServer, type Socket } from 'node:net';
import { listen, LOOPBACK, OUTGOING_LOOPBACK } from '../network/listen.js';
import { HEADER_LENGTH, PacketReader } from '../network/packet-reader.js';
import {
  errorPacket,
  greetingAs,
  greetingIn,
  loginWithout,
  okPacket,
  packetOf,
  QUERY_ATTRIBUTES,
  resultPackets,
  type ServerFault,
} from './packets.js';

/** Commands of the protocol that imitations look at. */
const COMMANDS = {
  QUIT: 0x01,
  INIT_DB: 0x02,
  QUERY: 0x03,
  PING: 0x0e,
  CHANGE_USER: 0x11,
  PREPARE: 0x16,
  EXECUTE: 0x17,
  RESET: 0x1f,
} as const;

type CommandName = keyof typeof COMMANDS;

/** What a client has sent. */
export interface ImitatedCommand {
  readonly name: CommandName;
  /** The text of a query, or of a statement that is to be prepared. */
  readonly sql: string;
  readonly link: ImitatedLink;
}

/** One client's connection to the imitation. */
export interface ImitatedLink {
  /** Counted from 1. */
  readonly index: number;
  /** The number that the real server has given it. */
  readonly serverNumber: number;
  /** Ends it without a word, as a server or a network does. */
  end(): void;
  /** Says why, in the place of an answer, and ends it. */
  leave(fault: ServerFault): void;
}

/**
 * What an imitated server does with a command: it passes it on (nothing returned), with another text, or answers by itself. `end` ends the connection
 * without an answer.
 */
export type ImitatedAnswer =
  | undefined
  | { readonly instead: string }
  | { readonly fault: ServerFault }
  | { readonly rows: readonly Readonly<Record<string, string>>[] }
  | 'ok'
  | 'end';

/** A product as it looks on the wire, where it differs from the server behind it. */
export interface ImitationOptions {
  /** The port of the real server. */
  readonly port: number;
  /** The version in the greeting. Default: the server's. */
  readonly version?: string;
  /** Capabilities that are not offered. */
  readonly without?: number;
  /** The number in the greeting of a connection. Default: the server's. */
  readonly numberOf?: (link: ImitatedLink) => number;
  /** What is done with a command; a promise holds it up. */
  readonly answer?: (command: ImitatedCommand) => ImitatedAnswer | Promise<ImitatedAnswer>;
  /** The greeting is an error, and the connection ends: for a server or proxy that takes no more. */
  readonly refuse?: (link: ImitatedLink) => ServerFault | undefined;
  /** Whether the server sees the clients' port numbers. Default: true. */
  readonly keepsPorts?: boolean;
}

/** An imitation that runs. */
export interface Imitation extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Commands received so far: the text of a query, else the command's name. */
  readonly received: readonly string[];
  /** Connections that are open. */
  readonly links: readonly ImitatedLink[];
  /** Connections accepted since the start. */
  readonly accepted: number;
}

class Link implements ImitatedLink {
  serverNumber = 0;
  readonly closed: Promise<unknown>;
  #greeted = false;
  #work: Promise<unknown> = Promise.resolve();

  constructor(
    readonly index: number,
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly options: ImitationOptions,
    private readonly note: (what: string) => void,
  ) {
    const requests = new PacketReader((packet) => {
      this.#work = this.#work.then(() => this.#request(packet));
    });
    client.on('data', (chunk: Buffer) => requests.add(chunk));
    server.on('data', (chunk: Buffer) => this.#fromServer(chunk));
    for (const socket of [client, server]) socket.on('error', () => undefined);
    client.on('close', () => server.destroySoon());
    server.on('close', () => client.destroySoon());
    this.closed = Promise.all([client, server].map((socket) => new Promise((resolve) => void socket.once('close', resolve))));
  }

  end(): void {
    this.client.end();
    this.server.destroy();
  }

  leave(fault: ServerFault): void {
    this.client.end(errorPacket(fault, 0));
    this.server.destroy();
  }

  cut(): void {
    this.client.resetAndDestroy();
    this.server.resetAndDestroy();
  }

  /** Not offered: then a command's text follows its first byte. */
  get #without(): number {
    return (this.options.without ?? 0) | QUERY_ATTRIBUTES;
  }

  #fromServer(chunk: Buffer): void {
    if (this.#greeted) {
      if (this.client.writable) this.client.write(chunk);
      return;
    }
    this.#greeted = true;
    const greeting = greetingIn(chunk);
    this.serverNumber = greeting.number;
    const fault = this.options.refuse?.(this);
    if (fault !== undefined) {
      this.leave(fault);
      return;
    }
    const { version = greeting.version, numberOf } = this.options;
    this.client.write(greetingAs(chunk, { version, number: numberOf?.(this) ?? greeting.number }, this.#without));
  }

  async #request(packet: Buffer): Promise<void> {
    const sequence = packet[3] as number;
    const name = sequence === 0 ? nameOf(packet[HEADER_LENGTH] as number) : undefined;
    if (name === undefined) {
      this.#pass(sequence === 1 ? loginWithout(packet, this.#without) : packet);
      return;
    }
    const sql = packet.toString('utf8', HEADER_LENGTH + 1);
    this.note(name === 'QUERY' || name === 'PREPARE' ? sql : name);
    const answer = await this.options.answer?.({ name, sql, link: this });
    if (answer === undefined) this.#pass(packet);
    else if (answer === 'end') this.end();
    else if (answer === 'ok') this.client.write(okPacket(1));
    else if ('fault' in answer) this.client.write(errorPacket(answer.fault, 1));
    else if ('rows' in answer) this.client.write(resultPackets(answer.rows));
    else this.#pass(packetOf(Buffer.concat([packet.subarray(HEADER_LENGTH, HEADER_LENGTH + 1), Buffer.from(answer.instead)]), 0));
  }

  #pass(packet: Buffer): void {
    if (this.server.writable) this.server.write(packet);
  }
}

function nameOf(code: number): CommandName | undefined {
  return (Object.keys(COMMANDS) as CommandName[]).find((name) => COMMANDS[name] === code);
}

/**
 * Starts an imitation of a server or proxy in front of a real server. Without TLS and compression only; a packet of the client is looked at when it
 * has come, so clients send one command at a time.
 *
 * @example
 * await using vtgate = await startImitation({ port: database.port, version: '8.0.30-Vitess' });
 */
export async function startImitation(options: ImitationOptions): Promise<Imitation> {
  const links = new Set<Link>();
  const received: string[] = [];
  let accepted = 0;
  const listener = createServer({ noDelay: true }, (client) => {
    accepted += 1;
    const from = (options.keepsPorts ?? true) ? { localAddress: OUTGOING_LOOPBACK, localPort: client.remotePort } : {};
    const server = connect({ host: LOOPBACK, port: options.port, noDelay: true, ...from } as never);
    const link = new Link(accepted, client, server, options, (what) => received.push(what));
    links.add(link);
    void link.closed.then(() => links.delete(link));
  });
  const port = await listen(listener);
  return {
    host: LOOPBACK,
    port,
    received,
    get links() {
      return [...links];
    },
    get accepted() {
      return accepted;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const link of links) link.cut();
      await Promise.all([...links].map((link) => link.closed));
    },
  };
}
