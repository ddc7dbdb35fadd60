import { createServer } from 'node:net';
import { endsWithSockets, listen, LOOPBACK } from '../../support/network/listen.js';

/** A server that answers each message that it gets with the next of its lines. */
export interface ScriptedServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** A message of PostgreSQL's protocol: a letter, the length, the body. */
export function message(type: string, ...body: (string | Buffer | number)[]): Buffer {
  const content = Buffer.concat(body.map((part) => (typeof part === 'number' ? int32(part) : Buffer.from(part))));
  return Buffer.concat([Buffer.from(type), int32(content.length + 4), content]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export function int16(value: number): Buffer {
  return int32(value).subarray(2);
}

/** ErrorResponse with these fields, for example `{ S: 'FATAL', C: '08P01', M: 'not allowed' }`. */
export function errorResponse(fields: Readonly<Record<string, string>>): Buffer {
  return message('E', ...Object.entries(fields).map(([name, value]) => `${name}${value}\0`), '\0');
}

/** The login is done, and the server waits for a statement. */
export const WELCOME = Buffer.concat([message('R', 0), message('Z', 'I')]);

/** The answer to a statement: one column, one row. */
export function oneValue(column: string, value: string): Buffer {
  const description = message('T', int16(1), `${column}\0`, 0, int16(0), 25, int16(-1), -1, int16(0));
  return Buffer.concat([description, message('D', int16(1), value.length, value), message('C', 'SHOW\0'), message('Z', 'I')]);
}

/** @param lines - What it says to each message, one after the other. A function makes the answer from the message. */
export async function startScriptedServer(...lines: readonly (Buffer | ((told: Buffer) => Buffer))[]): Promise<ScriptedServer> {
  // Half open: it continues when the client has said goodbye.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let next = 0;
    socket.on('data', (told) => {
      const line = lines[next];
      next += 1;
      if (line !== undefined) socket.write(typeof line === 'function' ? line(told) : line);
    });
  });
  const end = endsWithSockets(server);
  return { host: LOOPBACK, port: await listen(server), [Symbol.asyncDispose]: end };
}
