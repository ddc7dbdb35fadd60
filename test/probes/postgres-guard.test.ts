import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { describe, expect, it } from 'vitest';
import { ForeignAnswer, guardAgainstForeigners } from '../../src/probes/postgres-guard.js';
import { errorResponse, int32, message, WELCOME } from './support/scripted-server.js';

interface Heard {
  /** What came through, one entry per message. */
  readonly messages: string[];
  readonly failure: unknown;
}

/** What pg hears when these chunks arrive, the guard in between. */
async function hear(chunks: readonly Buffer[], expected: 'messages' | 'tls-answer' = 'messages', listener?: () => void): Promise<Heard> {
  const stream = new PassThrough();
  const messages: string[] = [];
  guardAgainstForeigners(stream, expected);
  stream.on('data', (data: Buffer) => {
    messages.push(data.toString('latin1'));
    listener?.();
  });
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  const failure: unknown = await finished(stream).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { messages, failure };
}

/** That nothing came through, and why. */
function foreign(words: RegExp): unknown {
  return {
    messages: [],
    failure: expect.objectContaining({ constructor: ForeignAnswer, message: expect.stringMatching(words) as string }) as unknown,
  };
}

function throwAsPgDoes(): void {
  throw new Error('Unknown authenticationOk message type');
}

/** A packet of MySQL's: three bytes of length, its number, the payload; it may look like any message of PostgreSQL's. */
function mysqlGreeting(length: number): Buffer {
  const payload = Buffer.alloc(length, 'x');
  payload.write('\x0a11.4.2-MariaDB-ubu2404\0', 'latin1');
  return Buffer.concat([Buffer.from([length, 0, 0, 0]), payload]);
}

describe('the guard before pg', () => {
  it('passes on whole messages, however they arrive', async () => {
    const bytes = Buffer.concat([WELCOME, errorResponse({ S: 'FATAL', C: '08P01', M: 'no' }), message('S', 'a\0b\0')]);
    const oneByOne = [...bytes].map((byte) => Buffer.from([byte]));

    const { messages, failure } = await hear(oneByOne);

    expect(failure).toBeUndefined();
    expect(messages.map((text) => text[0]).join('')).toBe('RZES');
    expect(messages.join('')).toBe(bytes.toString('latin1'));
    expect((await hear([bytes])).messages).toEqual(messages);
  });

  it.each([0x45, 0x4e, 0x52, 0x53])('knows the greeting of a MySQL server that begins like message %i', async (length) => {
    // pg loops forever over an "E" of this kind, and throws over an "R": neither may hurt.
    const { failure } = await hear([mysqlGreeting(length)], 'messages', throwAsPgDoes);
    expect(failure).toBeInstanceOf(ForeignAnswer);
    expect((failure as ForeignAnswer).message).toBe('it answers like a MySQL server');
  });

  it.each([
    ['an HTTP server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /HTTP server/],
    ['a MySQL server', mysqlGreeting(90), /MySQL server/],
    ['one byte of another protocol', Buffer.from('-'), /does not speak/],
    ['a first message that is too short', Buffer.concat([Buffer.from('R'), int32(4)]), /does not speak/],
    ['a first message that is too long', Buffer.concat([Buffer.from('R'), int32(2_001)]), /does not speak/],
    ['an error message without an end', message('E', 'SFATAL\0Mno'), /does not speak/],
    ['an error message with an end in its middle', message('E', 'SFATAL\0\0Mno\0'), /does not speak/],
    ['an error message without anything', message('E', Buffer.alloc(0), 'abcd'), /does not speak/],
  ])('refuses %s', async (_, bytes, words) => {
    expect(await hear([bytes])).toEqual(foreign(words));
  });

  it('refuses a later message of impossible length', async () => {
    for (const length of [0, 3, 1 << 30, -1]) {
      const { messages, failure } = await hear([WELCOME, Buffer.concat([Buffer.from('D'), int32(length)])]);
      expect(messages).toHaveLength(2);
      expect(failure).toBeInstanceOf(ForeignAnswer);
    }
  });

  it('ends an answer without end', async () => {
    const row = message('D', Buffer.alloc(1_000_000));
    const { messages, failure } = await hear([WELCOME, ...Array.from({ length: 20 }, () => row)]);
    expect(messages.length).toBeLessThan(20);
    expect((failure as ForeignAnswer).cause).toMatchObject({ message: 'an answer without end' });
  });

  it('makes an error of what pg throws', async () => {
    const { messages, failure } = await hear([WELCOME], 'messages', () => {
      throw new RangeError('out of bounds');
    });
    expect(messages).toHaveLength(1);
    expect(failure).toBeInstanceOf(ForeignAnswer);
    expect((failure as ForeignAnswer).cause).toBeInstanceOf(RangeError);
  });

  it('takes one letter for an answer to the request for TLS', async () => {
    for (const letter of ['S', 'N']) {
      expect(await hear([Buffer.from(letter)], 'tls-answer')).toEqual({ messages: [letter], failure: undefined });
    }
    expect(await hear([Buffer.from('Sx')], 'tls-answer')).toEqual(foreign(/does not speak/));
    expect(await hear([Buffer.from('E')], 'tls-answer')).toEqual(foreign(/does not speak/));
    expect(await hear([mysqlGreeting(83)], 'tls-answer')).toEqual(foreign(/MySQL server/));
  });
});
