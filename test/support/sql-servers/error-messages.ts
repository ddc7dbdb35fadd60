import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestDatabase } from '../servers/database.js';
import { fetchedCommand } from './fetched-program.js';

/** MySQL has its errors of clients below this; those above go to its log only. */
const FIRST_OF_THE_LOG = 10_000;
const FIRST = 1_000;

const PERROR_LINE = /^MySQL error code MY-00(\d{4}) \((\w+)\): (.*)$/u;

/** What `perror` says of each number. The file errmsg.sys of MySQL does not say which number a message has. */
async function messagesOfMySql(): Promise<Map<number, string>> {
  const [program, ...args] = await fetchedCommand('mysql', 'usr/bin/perror');
  const numbers = Array.from({ length: FIRST_OF_THE_LOG - FIRST }, (_, index) => String(FIRST + index));
  // It exits with 1, since most of the numbers mean nothing.
  const { stdout } = await promisify(execFile)(program, [...args, ...numbers], { maxBuffer: 1 << 24 }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  const lines = stdout.split('\n').map((line) => PERROR_LINE.exec(line));
  return new Map(lines.flatMap((line) => (line === null ? [] : [[Number(line[1]), `${line[2]}: ${line[3]}`] as const])));
}

/** The header of MariaDB's file: the number of messages and of sections at fixed places, then each section's size. */
const HEADER_LENGTH = 32;
const MESSAGES_AT = 12;
const SECTIONS_AT = 14;

/** MariaDB's messages: sections of a thousand numbers each, then the length of each message, then the messages, each with a zero. */
function messagesOfMariaDb(file: Buffer): Map<number, string> {
  const sections = file.readUInt16LE(SECTIONS_AT);
  const lengthsAt = HEADER_LENGTH + 2 * sections;
  let at = lengthsAt + 2 * file.readUInt16LE(MESSAGES_AT);
  let index = 0;
  const messages = new Map<number, string>();
  for (let section = 0; section < sections; section += 1) {
    const size = file.readUInt16LE(HEADER_LENGTH + 2 * section);
    for (let place = 0; place < size; place += 1, index += 1) {
      const length = file.readUInt16LE(lengthsAt + 2 * index);
      messages.set(FIRST * (section + 1) + place, file.toString('latin1', at, at + length - 1));
      at += length;
    }
  }
  return messages;
}

/** The messages that the server of this run may send, by their numbers. */
export async function serverMessages(database: TestDatabase): Promise<Map<number, string>> {
  if (database.server.family === 'mysql') return await messagesOfMySql();
  const [row] = await database.admin('SELECT @@character_sets_dir AS folder');
  return messagesOfMariaDb(await readFile(join(String(row?.['folder']), '../english/errmsg.sys')));
}
