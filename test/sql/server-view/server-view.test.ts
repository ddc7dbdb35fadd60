// The reader of SQL, held against what a real server does with each statement of a table: session, transaction, rows, schema and history.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PrivateServer } from '../../../src/demo/private-server.js';
import { factsOf, type Schema } from '../../../src/sql/index.js';
import { claimsOf, faultsOfReader } from './reader-checks.js';
import { faultsOfRow } from './row-checks.js';
import { RowRunner } from './row-run.js';
import { readSchemaFacts } from './server-schema-facts.js';
import { Observer, type ServerAddress } from './server-observer.js';
import type { DigestPair, Row } from './statement-row.js';
import { DIGESTS, SUBJECTS } from './statements/all.js';
import { startServer } from '../../support/sql-servers/this-server.js';

/** Another server than one of this test's own, of the run's kind, as a URL of its administrator. A row says which family of servers knows its statement. */
const OTHER_SERVER = process.env['SERVER_VIEW_URL'];

/** A server shows of its sessions only what it is set to gather. */
const GATHERING = [
  '--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON',
  '--performance-schema-consumer-events-statements-current=ON',
  '--performance-schema-consumer-events-statements-history=ON',
  '--local-infile=1',
];

let own: PrivateServer | undefined;
let observer: Observer;
let runner: RowRunner;
let schema: Schema;

beforeAll(async () => {
  observer = await Observer.open(await addressOfServer());
  runner = new RowRunner(observer);
  schema = await readSchemaFacts(observer.connection);
});

afterAll(async () => {
  runner.close();
  await observer.connection.end();
  await own?.stop();
});

async function addressOfServer(): Promise<ServerAddress> {
  if (OTHER_SERVER !== undefined) {
    const { hostname, port, username, password } = new URL(OTHER_SERVER);
    return { host: hostname, port: Number(port), user: decodeURIComponent(username), password: decodeURIComponent(password) };
  }
  own = await startServer({ performanceSchema: true, arguments: GATHERING });
  return { host: own.host, port: own.port, user: own.adminUser, password: own.adminPassword };
}

async function faultsOf(row: Row): Promise<string[]> {
  if (row.on !== undefined && row.on !== observer.kind) return [];
  const seen = await runner.run(row, claimsOf(row, schema));
  const name = row.sqlMode === undefined ? row.sql : `${row.sql} (${row.sqlMode})`;
  const ofRow = faultsOfRow(row, seen).map((fault) => `${name}\n  the table is wrong: ${fault}`);
  return [...ofRow, ...faultsOfReader(row, seen, schema).map((fault) => `${name}\n  the reader is wrong: ${fault}`)];
}

async function faultsOfPair({ one, other, same, on, serverDiffers, except }: DigestPair): Promise<string[]> {
  if (on !== undefined && on !== observer.kind) return [];
  const digests = [await runner.digestOf(one), await runner.digestOf(other)];
  const sameOnServer = digests[0] === digests[1];
  const pair = `${one} | ${other}`;
  const faults: string[] = [];
  if (sameOnServer !== (serverDiffers === undefined ? same : !same))
    faults.push(`${pair}\n  the table is wrong: the server says ${sameOnServer}`);
  for (const kind of ['digest', 'ruleDigest'] as const) {
    const sameHere = factsOf(one)[kind] === factsOf(other)[kind];
    if (sameHere !== (kind === except ? !same : same)) faults.push(`${pair}\n  the reader is wrong: ${kind} says ${sameHere}`);
  }
  return faults;
}

describe('the table of statements', () => {
  it('has at least 400 rows for each server, and no row twice', () => {
    const rows = SUBJECTS.flatMap(({ rows: ofSubject }) => ofSubject);
    const names = rows.map(({ sql, on, sqlMode, before, alone }) => JSON.stringify([sql, on, sqlMode, before, alone]));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    for (const kind of ['mariadb', 'mysql']) expect(rows.filter(({ on = kind }) => on === kind).length).toBeGreaterThanOrEqual(400);
  });
});

describe('the facts of a statement are those of the server', () => {
  it.each(SUBJECTS)('$subject', async ({ rows }) => {
    const faults: string[] = [];
    for (const row of rows) faults.push(...(await faultsOf(row)));
    expect(faults).toEqual([]);
  });

  it('texts that differ in values, comments and spaces have one digest, others have not', async () => {
    const faults: string[] = [];
    for (const pair of DIGESTS) faults.push(...(await faultsOfPair(pair)));
    expect(faults).toEqual([]);
  });
});
