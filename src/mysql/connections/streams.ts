/** Result streams that are left before their end: their statements are stopped. */

import { ignore } from '../../engine/waiting/index.js';
import type { Command } from '../driver/index.js';
import { neverSend } from './interruption.js';

interface ResultStream {
  readonly readableFlowing: boolean | null;
  listenerCount(event: string): number;
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
 * sent all the rows that are not read.
 */
export function stopWhenAbandoned(command: Command): void {
  if (watched.has(command)) return;
  watched.add(command);
  const streamable = command as StreamableCommand;
  const original = streamable.stream.bind(command);
  let ended = false;
  command.once('end', () => {
    ended = true;
  });
  streamable.stream = (options) => {
    const stream = original(options);
    streams.set(command, stream);
    stream.once('close', () => {
      if (ended) return;
      // The reader has left, and no other listens: an error that follows has no listener.
      command.once('error', ignore);
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
  if (stream?.readableFlowing === false && stream.listenerCount('data') === 0 && stream.listenerCount('readable') === 0) stream.destroy();
}
