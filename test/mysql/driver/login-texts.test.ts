import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loginPacket } from '../../../src/mysql/driver/login-texts.js';
import { createDatabase } from '../../support/servers/database.js';
import { type BuiltPackage, buildPackage } from '../support/built-package.js';

interface DriverPacket {
  offset: number;
  readNullTerminatedString(encoding: string): string;
}

const require = createRequire(import.meta.url);
const Packet = require(join(dirname(require.resolve('mysql2')), 'lib/packets/packet.js')) as new (
  id: number,
  buffer: Buffer,
  start: number,
  end: number,
) => DriverPacket;

let built: BuiltPackage;

beforeAll(async () => {
  built = await buildPackage();
});

afterAll(async () => {
  await built[Symbol.asyncDispose]();
});

describe('the texts of a login', () => {
  it.each([
    ['a version', Buffer.from('11.4.2-MariaDB\0rest')],
    ['no text', Buffer.from('\0rest')],
    ['a text without its zero', Buffer.from('8.4.0')],
    ['nothing', Buffer.alloc(0)],
    ['a text beyond ASCII', Buffer.from('8.4.0-größer\0rest')],
    ['a character of two halves in CESU-8', Buffer.from([0x38, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80, 0, 0x39])],
  ])('are what mysql2 reads: %s', (_, buffer) => {
    const theirs = new Packet(0, buffer, 0, buffer.length);
    const ours = loginPacket(new Packet(0, buffer, 0, buffer.length) as never) as DriverPacket;
    expect(ours.readNullTerminatedString('cesu8')).toBe(theirs.readNullTerminatedString('cesu8'));
    expect(ours.offset).toBe(theirs.offset);
  });

  it('leaves iconv-lite’s tables unread until the first row', async () => {
    await using database = await createDatabase();
    const program = `
      import { createRequire } from 'node:module';
      const pool = poolwright.createPool(process.env.DATABASE_URL, { connectionLimit: 1 });
      await pool.query('SELECT 1');
      const loaded = Object.keys(createRequire(import.meta.url).cache).filter((name) => name.includes('iconv-lite'));
      print(loaded.length === 0 ? 'no iconv-lite at all' : 'iconv-lite');
      for (const name of loaded.filter((one) => one.includes('encodings'))) print(name);
      await pool.end();
    `;
    const ending = await built.run(program, { DATABASE_URL: database.url() });
    expect(ending).toMatchObject({ code: 0, lines: ['iconv-lite'] });
  });
});
