import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './free-port.js';

/** Which way bytes go. */
export type Direction = 'toServer' | 'toClient';

/** A network between a client and a server that fails on command. Conditions hold for open and for new connections. */
export interface TcpProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Connections whose client side is open. */
  readonly live: number;
  /** Bytes passed on since the start. */
  readonly bytes: Readonly<Record<Direction, number>>;
  /** Black hole: nothing passes in either direction, not even the end of a connection; sockets stay open. */
  pause(): void;
  /** Ends the black hole; what was held back is passed on, as TCP would send it again. */
  resume(): void;
  /** Half-open: bytes and the end of a connection are lost in this direction. `undefined`: in none. */
  drop(direction: Direction | undefined): void;
  /** Latency each way, in milliseconds. */
  delay(milliseconds: number): void;
  /** Slow drip each way, per connection. `undefined`: as fast as it goes. */
  drip(bytesPerSecond: number | undefined): void;
  /** After so many more bytes to clients, wherever in a packet that is, ends all connections with FIN. Once. */
  cutAfter(bytes: number): void;
  /** Ends all connections with RST, on both sides. */
  reset(): void;
  /** Ends all connections with FIN, on both sides. */
  close(): void;
  /** New connections are refused (ECONNREFUSED); open ones continue. */
  refuse(): void;
  /** New connections are accepted again. */
  accept(): Promise<void>;
  /** Ends everything, and waits until all sockets are closed. Later calls do nothing. */
  stop(): Promise<void>;
}

/** Where the proxy leads to. */
export interface TcpProxyOptions {
  readonly host?: string;
  readonly port: number;
  /** Where it listens: an address of this machine, and a port. Default: 127.0.0.1, and a free one. */
  readonly listen?: { readonly host?: string; readonly port?: number };
}

interface Target {
  readonly host: string;
  readonly port: number;
}

interface Conditions {
  paused: boolean;
  dropped: Direction | undefined;
  delayMs: number;
  bytesPerSecond: number | undefined;
  bytesUntilCut: number;
}

interface Parcel {
  content: Buffer | 'end' | 'reset';
  readonly dueAt: number;
}

const HOST = '127.0.0.1';
const MOST_QUEUED_BYTES = 1 << 20;
const PORT_ATTEMPTS = 5;
/** At a slow drip, bytes are passed on in portions of about this duration. */
const DRIP_INTERVAL_MS = 10;

/** Carries what one socket says to the other, under the conditions of the moment. */
class OneWay {
  readonly #queue: Parcel[] = [];
  #queuedBytes = 0;
  #nextDripAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #sawEnd = false;
  #cut = false;

  constructor(
    private readonly source: Socket,
    private readonly sink: Socket,
    private readonly direction: Direction,
    private readonly conditions: Conditions,
    private readonly passed: (direction: Direction, bytes: number) => void,
  ) {
    source.on('data', (chunk) => this.#take(chunk));
    source.on('end', () => {
      this.#sawEnd = true;
      this.#take('end');
    });
    // The event 'close' follows, and is where it is handled.
    source.on('error', () => undefined);
    // One that is gone for good says goodbye first, and resets what is sent to it later.
    source.on('close', (hadError) => {
      if (!this.#sawEnd || hadError) this.#take('reset');
    });
    sink.on('drain', () => this.flow());
  }

  #take(content: Parcel['content']): void {
    if (this.#cut || this.conditions.dropped === this.direction) return;
    this.#queue.push({ content, dueAt: performance.now() + this.conditions.delayMs });
    if (typeof content !== 'string') this.#queuedBytes += content.length;
    this.flow();
  }

  /** Forgets what is on its way, and passes on nothing more. */
  cut(): void {
    this.#cut = true;
    this.#queue.length = 0;
    clearTimeout(this.#timer);
  }

  /** Passes on what is due. To be called after any change of the conditions. */
  flow(): void {
    clearTimeout(this.#timer);
    if (this.conditions.paused) {
      this.source.pause();
      return;
    }
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const waitMs = Math.max(head.dueAt, this.#nextDripAt) - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.flow(), Math.ceil(waitMs));
        break;
      }
      if (!this.#deliver(head)) break;
    }
    if (this.#queuedBytes < MOST_QUEUED_BYTES) this.source.resume();
    else this.source.pause();
  }

  /** Returns whether the sink takes more at once. */
  #deliver(head: Parcel): boolean {
    const { content } = head;
    if (typeof content === 'string') {
      this.#queue.shift();
      if (content === 'end') this.sink.end();
      else this.sink.resetAndDestroy();
      return true;
    }
    const untilCut = this.direction === 'toClient' ? this.conditions.bytesUntilCut : Number.POSITIVE_INFINITY;
    const portion = content.subarray(0, Math.min(this.#portionSize(), untilCut));
    this.#queuedBytes -= portion.length;
    if (portion.length === content.length) this.#queue.shift();
    else head.content = content.subarray(portion.length);
    if (this.sink.destroyed || this.sink.writableEnded) return true;
    const takesMore = this.sink.write(portion);
    this.passed(this.direction, portion.length);
    return takesMore && !this.#cut;
  }

  #portionSize(): number {
    const { bytesPerSecond } = this.conditions;
    if (bytesPerSecond === undefined) return Number.POSITIVE_INFINITY;
    const size = Math.max(1, Math.floor((bytesPerSecond * DRIP_INTERVAL_MS) / 1000));
    this.#nextDripAt = performance.now() + (size * 1000) / bytesPerSecond;
    return size;
  }
}

/** One client's connection and the one to the server that belongs to it. */
class Link {
  /** Settles when the sockets of both sides are closed. */
  readonly closed: Promise<void>;
  #settleClosed: () => void = () => undefined;
  #server: Socket | undefined;
  #ways: readonly OneWay[] = [];

  constructor(
    private readonly client: Socket,
    private readonly target: Target,
    private readonly conditions: Conditions,
    private readonly passed: (direction: Direction, bytes: number) => void,
  ) {
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    client.on('error', () => undefined);
    client.on('close', () => this.#noteClose());
    this.wake();
  }

  get live(): boolean {
    return !this.client.destroyed;
  }

  /** To be called after any change of the conditions. */
  wake(): void {
    if (this.#server === undefined && !this.conditions.paused) this.#dial();
    for (const way of this.#ways) way.flow();
  }

  end(how: 'reset' | 'close'): void {
    for (const way of this.#ways) way.cut();
    for (const socket of [this.client, this.#server]) {
      if (how === 'reset') socket?.resetAndDestroy();
      else socket?.destroySoon();
    }
  }

  #dial(): void {
    const server = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    server.on('close', () => this.#noteClose());
    this.#server = server;
    this.#ways = [
      new OneWay(this.client, server, 'toServer', this.conditions, this.passed),
      new OneWay(server, this.client, 'toClient', this.conditions, this.passed),
    ];
  }

  #noteClose(): void {
    if (this.client.destroyed && this.#server?.destroyed !== false) this.#settleClosed();
  }
}

class ListeningProxy implements TcpProxy {
  accepted = 0;
  readonly bytes: Record<Direction, number> = { toServer: 0, toClient: 0 };
  readonly #links = new Set<Link>();
  readonly #conditions: Conditions = {
    paused: false,
    dropped: undefined,
    delayMs: 0,
    bytesPerSecond: undefined,
    bytesUntilCut: Number.POSITIVE_INFINITY,
  };
  #listener: Server | undefined;

  constructor(
    readonly host: string,
    readonly port: number,
    private readonly target: Target,
  ) {}

  get live(): number {
    return [...this.#links].filter((link) => link.live).length;
  }

  pause(): void {
    this.#change({ paused: true });
  }

  resume(): void {
    this.#change({ paused: false });
  }

  drop(direction: Direction | undefined): void {
    this.#change({ dropped: direction });
  }

  delay(milliseconds: number): void {
    this.#change({ delayMs: milliseconds });
  }

  drip(bytesPerSecond: number | undefined): void {
    this.#change({ bytesPerSecond });
  }

  cutAfter(bytes: number): void {
    this.#change({ bytesUntilCut: bytes });
  }

  reset(): void {
    for (const link of this.#links) link.end('reset');
  }

  close(): void {
    for (const link of this.#links) link.end('close');
  }

  refuse(): void {
    // It stops listening at once; it is the open connections that take their time.
    this.#listener?.close();
    this.#listener = undefined;
  }

  async accept(): Promise<void> {
    if (this.#listener !== undefined) return;
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#welcome(client));
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(this.port, this.host, () => resolve());
    });
    this.#listener = listener;
  }

  async stop(): Promise<void> {
    this.refuse();
    this.reset();
    await Promise.all([...this.#links].map((link) => link.closed));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #change(changes: Partial<Conditions>): void {
    Object.assign(this.#conditions, changes);
    for (const link of this.#links) link.wake();
  }

  #cutWhenDue(bytes: number): void {
    this.#conditions.bytesUntilCut -= bytes;
    if (this.#conditions.bytesUntilCut > 0) return;
    this.#conditions.bytesUntilCut = Number.POSITIVE_INFINITY;
    this.close();
  }

  #welcome(client: Socket): void {
    this.accepted += 1;
    const passed = (direction: Direction, bytes: number): void => {
      this.bytes[direction] += bytes;
      if (direction === 'toClient') this.#cutWhenDue(bytes);
    };
    const link = new Link(client, this.target, this.#conditions, passed);
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
  }
}

/**
 * Starts a proxy.
 *
 * @param target - The server, whose host is 127.0.0.1 by default, and where to listen.
 *
 * @example
 * await using proxy = await startTcpProxy({ port: server.port });
 * const pool = createPool(server.url({ port: proxy.port }));
 * proxy.pause();
 */
export async function startTcpProxy({ host = HOST, port, listen = {} }: TcpProxyOptions): Promise<TcpProxy> {
  for (let attempt = 1; ; attempt += 1) {
    const proxy = new ListeningProxy(listen.host ?? HOST, listen.port ?? (await freePort()), { host, port });
    try {
      await proxy.accept();
      return proxy;
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || (error as { code?: string }).code !== 'EADDRINUSE') throw error;
    }
  }
}
