/** A process whose cluster was not ended. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BuiltPackage, buildPackage } from '../../mysql/support/built-package.js';
import { createDatabase } from '../../support/servers/database.js';
import { waitFor } from '../../support/wait-for.js';

/** In rounds of 10 ms: its pools look now and then whether they are still needed. */
const SOON = 40;

let built: BuiltPackage;

beforeAll(async () => {
  built = await buildPackage();
});

afterAll(async () => {
  await built?.[Symbol.asyncDispose]();
});

describe('I11: a process', () => {
  it('that forgets to end its cluster goes soon, and leaves no connection', async () => {
    await using database = await createDatabase();
    const program = `
      const db = poolwright.createCluster({ nodes: [process.env.DATABASE_URL], failureDetection: { after: 1000 }, minIdle: 2 });
      await db.query('SELECT 1');
      await db.reader.query('SELECT 1');
      print(db.topology().nodes.length);`;
    const ending = await built.run(program, { DATABASE_URL: database.url({ parameters: { ssl: 'false' } }), CA: database.caPath });
    expect(ending).toMatchObject({ code: 0, signal: null, lines: ['1'], stderr: '' });
    expect(ending.lingeredRounds).toBeLessThan(SOON);
    await waitFor('no connection', async () => (await database.serverConnections()) === 0);
  });
});
