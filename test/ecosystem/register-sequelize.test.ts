import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installedVersion } from './support/installed-version.js';
import { inThisRun, openPrograms, type Programs } from './support/programs.js';

/** By the names under which test/ecosystem/package.json installs them. */
const VERSIONS = ['sequelize', 'sequelize-6-20', '@sequelize/core'];

let programs: Programs;

beforeAll(async () => {
  programs = await openPrograms('sequelize.mjs', [...VERSIONS, '@sequelize/mysql']);
});

afterAll(async () => {
  await programs[Symbol.asyncDispose]();
});

describe.each(inThisRun(VERSIONS).map((name) => [installedVersion(name), name] as const))(
  'Sequelize %s under the register hook',
  (version, name) => {
    it('does what it does without, and has a managed pool with its settings', async () => {
      const { without, under } = await programs.run(name);
      const { killed, ...same } = under.results;
      const { killed: _killed, ...expected } = without.results;
      expect(same).toEqual(expected);
      expect(JSON.stringify(expected)).not.toContain('"threw ');
      // Without the hook, a statement may get a connection that the server has closed.
      expect(killed).toEqual(Array.from({ length: 6 }, () => 'none'));
      expect(without.managed).toEqual([]);
      const { database } = programs.database;
      expect(under.managed).toMatchObject([
        { connectionLimit: 3, acquireTimeout: 4_000, idleTimeout: 5_000, minIdle: 0, endpoint: { database } },
      ]);
      expect(under.left).toEqual([]);
      expect(under.stderr).toContain(` ${version} (POOLWRIGHT_QUIET=1 hides this line)\n`);
    });
  },
);
