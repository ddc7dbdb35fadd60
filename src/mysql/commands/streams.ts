/** Result streams that are left before their end: their statements are stopped. */

import { ignore, throwLater } from '../../engine/waiting/index.js';
import type { Command } from '../driver/index.js';
import { neverSend } from './interruption.js';

interface ResultStream {
  readonly readableFlowing: boolean | null;
  listenerCount(event: string): number;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  destroy(): unknown;
}

/** A command whose result can be read as a stream. */
interface StreamableCommand extends Command {
  stream(options?: object): ResultStream;
  /** Where it runs, once it was started. */
  readonly _connection?: { interrupt(command: Command): void } | null;
}

const watched = new WeakSet<Command>();

/** The stream through which the rows of a command are read. */
const streams = new WeakMap<Command, ResultStream>();

/**
 * A result stream that is destroyed before its end stops its statement: otherwise the connection would be taken until the server has
 * sent all the rows that are not read. A statement whose caller listens to nothing fails unheard: mysql2 would throw its error, and give up
 * the connection or end the process.
 */
export function stopWhenAbandoned(command: Command): void {
  if (watched.has(command)) return;
  watched.add(command);
  command.on('error', ignore);
  const streamable = command as StreamableCommand;
  const original = streamable.stream.bind(command);
  let ended = false;
  command.once('end', () => {
    ended = true;
  });
  streamable.stream = (options) => {
    const stream = original(options);
    streams.set(command, stream);
    stream.on('error', (error) => {
      // As Node has it: a reader who listens for rows only must not take a failure for their end.
      if (stream.listenerCount('error') === 1 && isRead(stream)) throwLater(error);
    });
    stream.once('close', () => {
      if (ended) return;
      if (streamable._connection == null) neverSend(command);
      else streamable._connection.interrupt(command);
    });
    return stream;
  };
}

/**
 * The same for a stream whose reader has paused it and left, when their connection is given back: a `break` out of Drizzle's iterator does
 * so. One whose reading has not begun may yet be read.
 */
export function stopWhenLeft(command: Command): void {
  const stream = streams.get(command);
  if (stream?.readableFlowing === false && !isRead(stream)) stream.destroy();
}

function isRead(stream: ResultStream): boolean {
  return stream.listenerCount('data') > 0 || stream.listenerCount('readable') > 0;
}
