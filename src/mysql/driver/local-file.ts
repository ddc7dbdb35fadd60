/** The file that LOAD DATA LOCAL asks its caller for, read so that the statement ends or fails as its stream does, and even when that does neither. */

import { Readable } from 'node:stream';
import { invalidUnquoted } from '../../engine/index.js';
import { ignore } from '../../engine/waiting/index.js';
import { callersError } from '../errors/index.js';
import { awaitsFileAnswer, type Command, type DriverConnection } from './driver.js';

/** Sent at once at most: far below what servers take as one packet. */
const LARGEST_PIECE = 1 << 20;

/** Commands that have a factory of ours, or need none. */
const guarded = new WeakSet<Command>();

/** The files that are being read, by the commands that read them. */
const files = new WeakMap<Command, Readable>();

/**
 * The server asks for the file of a command. mysql2 listens to a caller's stream for data, its end and its error. A factory that throws, a stream that was destroyed or has ended before,
 * and data that is text would each leave the server waiting for the rest of a file, or end the process. A command that has a factory gets
 * one of ours, whose stream ends or fails always, and ends the caller's with the statement.
 */
export function guardLocalFile(command: Command, connection: DriverConnection): void {
  if (guarded.has(command)) return;
  guarded.add(command);
  // Without it, a prepared statement would end here with no answer, and the server's would be taken for the next one's.
  command.infileOk ??= awaitsFileAnswer;
  const factory: unknown = command._streamFactory;
  // mysql2 answers by itself where there is none.
  if (!factory) return;
  command._streamFactory = (path) => openFile(() => (factory as (path: unknown) => unknown)(path), command, connection);
}

/** The server has been asked to stop the command: it sees that when the file ends. */
export function endLocalFile(command: Command): void {
  files.get(command)?.destroy(new Error('The statement was stopped while its file was read.'));
}

function openFile(open: () => unknown, command: Command, connection: DriverConnection): Readable {
  const file = new LocalFile(startReading(open));
  files.set(command, file);
  // mysql2 lets go of it before it has ended.
  file.on('error', ignore);
  const close = (): void => {
    file.destroy();
  };
  const { stream: socket } = connection;
  socket.once('close', close);
  command.once('end', () => {
    socket.removeListener('close', close);
    command._unpipeStream?.();
    close();
  });
  return file;
}

/** What the caller opened. One that fails before it is read fails where it is read. */
function startReading(open: () => unknown): Promise<unknown> {
  const opened = new Promise((resolve) => {
    const given = open();
    (given as Partial<NodeJS.ReadableStream> | null | undefined)?.on?.('error', ignore);
    resolve(given);
  });
  opened.catch(ignore);
  return opened;
}

/** The bytes of a caller's stream. It ends or fails by itself, even when that stream does neither. */
class LocalFile extends Readable {
  #source: unknown = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor(opened: Promise<unknown>) {
    super();
    this.#copy(opened).then(
      () => this.push(null),
      (thrown: unknown) => this.destroy(callersError(thrown, 'The local file must be readable', 'a stream that failed with no error')),
    );
  }

  override _read(): void {
    this.#wake?.();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#wake?.();
    this.#closeSource();
    callback(error);
  }

  #closeSource(): void {
    try {
      (this.#source as Partial<Readable> | null | undefined)?.destroy?.();
    } catch {
      // It is the caller's.
    }
  }

  async #copy(opened: Promise<unknown>): Promise<void> {
    const source = await opened;
    this.#source = source;
    if (this.destroyed) this.#closeSource();
    for await (const chunk of chunksOf(source)) {
      const bytes = bytesOf(chunk);
      for (let start = 0; start < bytes.length; start += LARGEST_PIECE) {
        if (!this.destroyed && !this.push(bytes.subarray(start, start + LARGEST_PIECE))) await this.#room();
      }
      if (this.destroyed) return;
    }
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function chunksOf(given: unknown): AsyncIterable<unknown> {
  if (typeof given === 'object' && given !== null) {
    if (Symbol.asyncIterator in given) return given as AsyncIterable<unknown>;
    if ('on' in given && typeof given.on === 'function') return new Readable({ objectMode: true }).wrap(given as NodeJS.ReadableStream);
  }
  throw invalidUnquoted('What infileStreamFactory returns', given, 'a readable stream');
}

function bytesOf(chunk: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw invalidUnquoted("A piece of the local file's stream", chunk, 'bytes or a string');
}
