import { describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../../support/servers/database.js';
import { startRedis } from '../../support/servers/redis-server.js';
import { waitFor } from '../../support/wait-for.js';
import { type Child, startChildren } from '../support/children.js';
import { startServer } from '../../support/sql-servers/this-server.js';

const PROCESSES = 4;
const CALLERS = 1_000;
const SQL = 'SELECT name FROM users WHERE id = 2';
const QUESTION = { statement: { sql: SQL, cache: { ttl: 60_000 } }, callers: CALLERS / PROCESSES };

/** A server that writes down what it is sent. */
async function startLoggingMariaDb() {
  return await startServer({ arguments: ['--max-connections=300', '--general-log=1', '--log-output=TABLE'] });
}

async function createUsers(database: TestDatabase): Promise<void> {
  await database.admin('CREATE TABLE users (id INT PRIMARY KEY, name VARCHAR(50))');
  await database.admin("INSERT INTO users VALUES (1, 'user1'), (2, 'user2')");
}

/** Holds up all readers of users, until it is disposed. */
async function holdUsers(database: TestDatabase): Promise<AsyncDisposable> {
  const session = await database.connectAsAdmin();
  await session.query('LOCK TABLES users WRITE');
  return { [Symbol.asyncDispose]: () => session.end() };
}

/**
 * Until a process knows the schema, reads wait for a second at most and then go past the cache: on a busy machine it may take longer. Each is
 * asked until its cache answers. Returns the loads that this took.
 */
async function learnSchema(children: readonly Child[]): Promise<number> {
  const question = { statement: { sql: 'SELECT name FROM users WHERE id = 1', cache: { ttl: 60_000 } }, callers: 1 };
  const loadsOf = async (child: Child): Promise<number> => {
    const { loads } = await waitFor(
      'the cache of a process to answer',
      async () => (await (await child.ask(question)).answered).stats,
      ({ hits }) => hits.memory > 0,
    );
    return loads;
  };
  return (await Promise.all(children.map(loadsOf))).reduce((sum, loads) => sum + loads, 0);
}

/** How many times the database was sent the statement by the processes. */
async function queries(database: TestDatabase): Promise<number> {
  const [row] = await database.admin('SELECT COUNT(*) AS count FROM mysql.general_log WHERE user_host LIKE ? AND argument = ?', [
    `${database.user}%`,
    SQL,
  ]);
  return Number(row?.['count']);
}

describe('a cold key that 1 000 callers in 4 processes want at once', () => {
  it.each([
    ['', {}],
    [', each with a deadline', { timeout: 60_000 }],
  ])('is one query%s', async (_, limits) => {
    await using mariadb = await startLoggingMariaDb();
    await using database = await createDatabase(mariadb);
    await using redis = await startRedis();
    await createUsers(database);
    await using group = await startChildren(PROCESSES, database.url(), {
      redis: { url: redis.url, timeout: 10_000, lockTimeout: 60_000 },
      invalidationBound: 5_000,
    });
    const loadsBefore = await learnSchema(group.children);
    const hold = await holdUsers(database);
    const question = { ...QUESTION, statement: { ...QUESTION.statement, ...limits } };
    const asked = await Promise.all(group.children.map((child) => child.ask(question)));
    await waitFor('the query', async () => (await queries(database)) > 0);
    await hold[Symbol.asyncDispose]();
    const reports = await Promise.all(asked.map(({ answered }) => answered));
    for (const { answers, count } of reports) expect({ answers, count }).toEqual({ answers: ['[{"name":"user2"}]'], count: CALLERS / 4 });
    expect(reports.reduce((sum, { stats }) => sum + stats.loads, 0)).toBe(loadsBefore + 1);
    expect(await queries(database)).toBe(1);
  });

  it('is one query more when the process that loads it is killed, and the others get their answer', async () => {
    await using mariadb = await startLoggingMariaDb();
    await using database = await createDatabase(mariadb);
    await using redis = await startRedis();
    await createUsers(database);
    const lockTimeout = 4_000;
    await using group = await startChildren(PROCESSES, database.url(), {
      redis: { url: redis.url, timeout: 10_000, lockTimeout },
      invalidationBound: 5_000,
    });
    await learnSchema(group.children);
    const hold = await holdUsers(database);
    // One asks alone, so that it is known who loads.
    const [first, ...others] = group.children as [Child, ...Child[]];
    await first.ask(QUESTION);
    await waitFor('the query', async () => (await queries(database)) > 0);
    const asked = await Promise.all(others.map((child) => child.ask(QUESTION)));
    await first.kill('SIGKILL');
    const killedAt = performance.now();
    await waitFor('another to load it', async () => (await queries(database)) > 1);
    // The others wait for that one now, though the time of the first lock is over.
    await waitFor('the first lock to be over for all', () => performance.now() > killedAt + lockTimeout * 1.5);
    await hold[Symbol.asyncDispose]();
    const reports = await Promise.all(asked.map(({ answered }) => answered));
    for (const { answers } of reports) expect(answers).toEqual(['[{"name":"user2"}]']);
    expect(await queries(database)).toBe(2);
  });
});
