import { join } from 'node:path';
import { build } from 'esbuild';
import mysql from 'mysql2';
import mysqlPromise from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { createProject, type Project } from './support/project.js';

/** What a program prints about a mirror: where it differs from what it mirrors, and whether its pools work. */
interface Findings {
  readonly replaced: readonly string[];
  readonly missing: readonly string[];
  readonly replacedInPromise: readonly string[];
  readonly missingInPromise: readonly string[];
  readonly instances: readonly boolean[];
  readonly answers: readonly unknown[];
}

/** As code that was written for mysql2 has it, but for the name of the module. */
const BODY = `
// Names that Node adds to the module as a whole.
const names = (theirs) => Object.keys(theirs).filter((name) => name !== 'default' && name !== 'module.exports');
const different = (ours, theirs) => names(theirs).filter((name) => name in ours && ours[name] !== theirs[name]);
const missing = (ours, theirs) => names(theirs).filter((name) => !(name in ours));
const uri = process.env.TEST_URL;
const callbackPool = mysql.createPool(uri);
const promisePool = promise.createPool({ uri, connectionLimit: 2 });
const cluster = mysql.createPoolCluster();
cluster.add('one', uri);
const promiseCluster = promise.createPoolCluster();
promiseCluster.add(uri === undefined ? {} : { uri });
const rowsOf = (target, sql) => new Promise((resolve, reject) => target.query(sql, (error, rows) => (error ? reject(error) : resolve(rows))));
async function main() {
  const borrowed = await promiseCluster.getConnection();
  const answers = [
    await rowsOf(callbackPool, 'SELECT 1 AS n'),
    (await callbackPool.promise().query('SELECT 2 AS n'))[0],
    (await promisePool.execute('SELECT ? AS n', [3]))[0],
    await rowsOf(cluster.of('*'), 'SELECT 4 AS n'),
    (await borrowed.query('SELECT 5 AS n'))[0],
  ].map((rows) => rows[0].n);
  borrowed.release();
  const connection = await promise.createConnection(uri);
  await connection.end();
  await Promise.all([promisePool.end(), promiseCluster.end(), new Promise((done) => callbackPool.end(done)), new Promise((done) => cluster.end(done))]);
  console.log(JSON.stringify({
    replaced: different(mysql, original), missing: missing(mysql, original),
    replacedInPromise: different(promise, originalPromise), missingInPromise: missing(promise, originalPromise),
    instances: [
      callbackPool instanceof original.Pool, promisePool instanceof originalPromise.PromisePool, cluster instanceof original.PoolCluster,
      borrowed instanceof originalPromise.PoolConnection, 'stats' in promisePool, 'stats' in callbackPool.promise(),
    ],
    answers,
  }));
}
main().catch((error) => { console.error(error); process.exitCode = 1; });
`;

const PROGRAMS = {
  import: `
import mysql from 'poolwright/mysql2';
import promise from 'poolwright/mysql2/promise';
import original from 'mysql2';
import originalPromise from 'mysql2/promise';
${BODY}`,
  'import of names': `
import * as mysql from 'poolwright/mysql2';
import * as promise from 'poolwright/mysql2/promise';
import * as original from 'mysql2';
import * as originalPromise from 'mysql2/promise';
${BODY}`,
  require: `
const mysql = require('poolwright/mysql2');
const promise = require('poolwright/mysql2/promise');
const original = require('mysql2');
const originalPromise = require('mysql2/promise');
${BODY}`,
} as const;

const REPLACED = ['createPool', 'createPoolCluster'];
const REPLACED_WITH_GETTERS = [...REPLACED, 'createPoolPromise', 'createPoolClusterPromise'];

/** An ES module has no `require`, which bundled CommonJS needs: mysql2 by itself is no different. */
const ESM_BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

let project: Project;
let database: TestDatabase;

beforeAll(async () => {
  project = await createProject();
  database = await createDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

async function findingsOf(file: string, within = project): Promise<Findings> {
  const { code, stdout, stderr } = await within.run(file, { environment: { TEST_URL: database.url() } });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Findings;
}

function mirrorWith(replaced: readonly string[]): Findings {
  return {
    replaced,
    missing: [],
    replacedInPromise: REPLACED,
    missingInPromise: [],
    instances: [true, true, true, true, true, true],
    answers: [1, 2, 3, 4, 5],
  };
}

describe('poolwright/mysql2 and poolwright/mysql2/promise export all that mysql2 does, the same but for what makes pools', () => {
  it.each([
    ['import', 'mjs', REPLACED_WITH_GETTERS],
    // Node does not see the getters of mysql2's own module by name.
    ['import of names', 'mjs', REPLACED],
    ['require', 'cjs', REPLACED_WITH_GETTERS],
  ] as const)('with %s', async (form, extension, replaced) => {
    await project.write(`plain.${extension}`, PROGRAMS[form]);
    expect(await findingsOf(`plain.${extension}`)).toEqual(mirrorWith(replaced));
  });

  it.each([
    ['import', 'esm', true],
    ['import', 'cjs', true],
    ['import', 'esm', false],
    ['import', 'cjs', false],
    ['require', 'esm', true],
    ['require', 'cjs', true],
    ['require', 'cjs', false],
  ] as const)('with %s, bundled as %s, with mysql2 in the bundle: %s', async (form, format, inside) => {
    const name = `bundled-${form}-${format}-${inside}`;
    const entry = await project.write(`${name}/source.${form === 'require' ? 'cjs' : 'mjs'}`, PROGRAMS[form]);
    const output = `${name}/out.${format === 'cjs' ? 'cjs' : 'mjs'}`;
    await build({
      entryPoints: [entry],
      outfile: join(project.folder, output),
      bundle: true,
      platform: 'node',
      format,
      external: inside ? [] : ['mysql2'],
      banner: format === 'esm' ? { js: ESM_BANNER } : {},
      logLevel: 'error',
    });
    expect(await findingsOf(output)).toEqual(mirrorWith(REPLACED_WITH_GETTERS));
  });

  it('also of the oldest mysql2 that is supported', async () => {
    await using older = await createProject({ mysql2: false });
    await older.install('mysql2-oldest', 'mysql2');
    await older.write('plain.cjs', PROGRAMS.require);
    await older.write('plain.mjs', PROGRAMS.import);
    for (const file of ['plain.cjs', 'plain.mjs']) expect(await findingsOf(file, older)).toEqual(mirrorWith(REPLACED_WITH_GETTERS));
  });
});

describe('as code that runs under a test runner', () => {
  it('a mirror is complete too', async () => {
    const { default: mirror } = await import('../../src/mirror/mysql2.js');
    const { default: promiseMirror } = await import('../../src/mirror/promise.js');
    expect(Object.keys(mysql).filter((name) => !(name in mirror))).toEqual([]);
    expect(Object.keys(mysqlPromise).filter((name) => !(name in promiseMirror))).toEqual([]);
  });
});
