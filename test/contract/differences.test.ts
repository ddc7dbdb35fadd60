import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { PoolConnection as CallbackConnection, PoolOptions } from 'mysql2';
import { describe, expect, it } from 'vitest';
import type { Socket } from 'node:net';
import { startTcpProxy } from '../support/network/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { DIFFERENCES, type DifferenceId } from './differences.js';
import { both, onBoth, ours } from './support/both.js';
import { droppingServer } from './support/dropping-server.js';
import { slowDoor } from './support/slow-door.js';
import { answerOf, borrow, errorOf, type Fixture, internalsOf, open, poolwright, sizesOf, type Subject } from './support/subjects.js';
import { sequence } from '../support/sql-servers/sequence.js';

/** What a promise has come to after a while. */
async function soon(promise: Promise<unknown>, ms: number): Promise<unknown> {
  return await Promise.race([promise.then((value) => value, codeOf), pause(ms, 'nothing yet', { ref: false })]);
}

/** What a promise comes to, however busy the machine is; with mysql2's pool, of which nothing may ever come, what it has come to after a while. */
async function comesTo(subject: Subject, promise: Promise<unknown>, ms = 1_500): Promise<unknown> {
  return await (subject === poolwright ? promise.catch(codeOf) : soon(promise, ms));
}

function codeOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message: string };
  return code ?? message;
}

async function connectionIdOf(queryable: Pick<Fixture['pool'], 'query'>): Promise<number> {
  const [rows] = await queryable.query('SELECT CONNECTION_ID() AS id');
  return (rows as { id: number }[])[0]?.id as number;
}

const COM_QUIT = Buffer.from([1, 0, 0, 0, 1]);

/** Shows what both do; a row of the table each. */
const SHOWN: Record<DifferenceId, () => Promise<void>> = {
  'acquire-timeout': async () => {
    const outcome = await onBoth(ours({ acquireTimeout: 700 }, { connectionLimit: 1 }), async ({ pool }, subject) => {
      const held = await pool.getConnection();
      const second = pool.getConnection();
      const result = await comesTo(subject, second);
      held.release();
      await second.then((connection) => connection.release()).catch(() => undefined);
      return result;
    });
    expect(outcome).toEqual({ mysql2: 'nothing yet', poolwright: 'POOL_ACQUIRE_TIMEOUT' });
  },

  'dead-connection': async () => {
    const outcome = await both(async (subject) => {
      await using fixture = await open(subject);
      await using proxy = await startTcpProxy({ port: fixture.database.port });
      const options = {
        ...fixture.database.connection,
        port: proxy.port,
        ...ours({ validateAfterIdle: 0, validationTimeout: 200 })(subject),
      };
      const pool = subject.create(options);
      const dead = await connectionIdOf(pool);
      proxy.drop('toClient');
      await fixture.database.killConnections([dead]);
      const answer = connectionIdOf(pool);
      if (subject === poolwright) {
        // The ping has its answer lost. The replacement comes through: what is lost ends in the turn of the event loop in which the dead one is given up.
        while (sizesOf(pool)[0] !== 0) await new Promise((resolve) => setImmediate(resolve));
        proxy.drop(undefined);
      }
      const result = await comesTo(subject, answer, 1_000);
      proxy.reset();
      await answer.catch(() => undefined);
      await pool.end();
      return result === 'nothing yet' ? result : typeof result;
    });
    expect(outcome).toEqual({ mysql2: 'nothing yet', poolwright: 'number' });
  },

  'released-twice': async () => {
    const outcome = await onBoth({ connectionLimit: 1 }, async ({ callbacks }) => {
      const connection = await borrow(callbacks);
      callbacks.releaseConnection(connection);
      connection.release();
      const lent = [borrow(callbacks), borrow(callbacks)];
      await soon(Promise.all(lent), 200);
      const first = await lent[0];
      const second = await soon(lent[1] as Promise<CallbackConnection>, 100);
      first?.release();
      return second === first;
    });
    expect(outcome).toEqual({ mysql2: true, poolwright: false });
  },

  'late-destroy': async () => {
    const outcome = await onBoth({ connectionLimit: 1 }, async ({ pool }) => {
      const first = await pool.getConnection();
      first.release();
      const second = await pool.getConnection();
      first.destroy();
      const result = await soon(
        second.query('SELECT 1').then(
          () => 'answered',
          (error: Error) => error.message,
        ),
        60_000,
      );
      second.release();
      return result;
    });
    expect(outcome).toEqual({ mysql2: "Can't add new command when connection is in closed state", poolwright: 'answered' });
  },

  'use-after-release': async () => {
    const outcome = await onBoth({}, async ({ pool }) => {
      const connection = await pool.getConnection();
      connection.release();
      return await connection.query('DO 1').then(() => 'ran', codeOf);
    });
    expect(outcome).toEqual({ mysql2: 'ran', poolwright: 'POOL_RELEASED' });
  },

  'open-transaction': async () => {
    const outcome = await onBoth({ connectionLimit: 1 }, async ({ pool, database }) => {
      await pool.query('CREATE TABLE t (id INT)');
      const first = await pool.getConnection();
      await first.beginTransaction();
      await first.query('INSERT INTO t VALUES (1)');
      first.release();
      await pool.query('INSERT INTO t VALUES (2)');
      return (await database.admin('SELECT id FROM t')).map((row) => row['id'] as number);
    });
    // Nothing was committed: the second row is inside the transaction of the first.
    expect(outcome).toEqual({ mysql2: [], poolwright: [2] });
  },

  'dirty-session': async () => {
    const outcome = await onBoth(ours({ hygiene: 'auto' }, { connectionLimit: 1 }), async ({ pool }) => {
      const before = ((await pool.query('SELECT @@time_zone AS zone'))[0] as { zone: string }[])[0]?.zone;
      await pool.query("SET time_zone = '+07:00'");
      const after = ((await pool.query('SELECT @@time_zone AS zone'))[0] as { zone: string }[])[0]?.zone;
      return after === before;
    });
    expect(outcome).toEqual({ mysql2: false, poolwright: true });
  },

  'statement-timeout': async () => {
    const outcome = await onBoth({ connectionLimit: 1 }, async ({ pool, database }, subject) => {
      // On a busy machine connecting may take longer than the statement may.
      await pool.query('SELECT 1');
      const code = codeOf(await errorOf(pool.query({ sql: 'SELECT SLEEP(30)', timeout: 100 })));
      const runs = async (): Promise<boolean> => (await database.processlist()).some(({ info }) => info?.includes('SLEEP(30)') === true);
      const ended = waitFor('its end', async () => !(await runs()), Boolean, subject === poolwright ? {} : { timeoutMs: 1_000 });
      return [
        code,
        await ended.then(
          () => 'stopped',
          () => 'runs on',
        ),
      ];
    });
    expect(outcome).toEqual({ mysql2: ['PROTOCOL_SEQUENCE_TIMEOUT', 'runs on'], poolwright: ['POOL_QUERY_TIMEOUT', 'stopped'] });
  },

  'connect-storm': async () => {
    const outcome = await both(async (subject) => {
      await using server = await droppingServer();
      const pool = subject.create({ host: '127.0.0.1', port: server.port, user: 'nobody', connectionLimit: 2 });
      const results = await Promise.allSettled(Array.from({ length: 50 }, () => pool.query('SELECT 1')));
      expect(results.every(({ status }) => status === 'rejected')).toBe(true);
      const attempts = server.attempts();
      await pool.end().catch(() => undefined);
      return attempts;
    });
    expect(outcome.mysql2).toBeGreaterThanOrEqual(50);
    expect(outcome.poolwright).toBeLessThanOrEqual(5);
  },

  burst: async () => {
    // Where a connection is opened as fast as a statement is answered, both may be right on a busy machine.
    const outcome = await both(async (subject) => {
      await using fixture = await open(subject);
      await using door = await slowDoor(fixture.database.port, 500);
      const pool = subject.create({ ...fixture.database.connection, port: door.port, connectionLimit: 20 });
      for (let round = 0; round < 20; round += 1) await pool.query('SELECT 1');
      await waitFor('an idle connection', () => sizesOf(pool)[1] === 1);
      await Promise.all(Array.from({ length: 20 }, () => pool.query('SELECT 1')));
      const opened = sizesOf(pool)[0];
      await pool.end();
      return opened;
    });
    expect(outcome.mysql2).toBe(20);
    expect(outcome.poolwright).toBeLessThan(20);
  },

  'idle-connections': async () => {
    const outcome = await onBoth({ idleTimeout: 100 }, async ({ pool }, subject) => {
      await pool.query('SELECT 1');
      const ended = waitFor('its end', () => sizesOf(pool)[0] === 0, Boolean, subject === poolwright ? {} : { timeoutMs: 2_500 });
      await ended.catch(() => undefined);
      return sizesOf(pool)[0];
    });
    expect(outcome).toEqual({ mysql2: 1, poolwright: 0 });
  },

  goodbye: async () => {
    const outcome = await onBoth({ connectionLimit: 2, maxIdle: 1, idleTimeout: 100 }, async ({ pool }) => {
      const written: Buffer[] = [];
      pool.on('connection', (connection) => {
        const { stream } = connection as unknown as { stream: Socket };
        const write = stream.write.bind(stream) as (...parameters: unknown[]) => boolean;
        stream.write = (chunk: unknown, ...rest: unknown[]) => {
          written.push(chunk as Buffer);
          return write(chunk, ...rest);
        };
      });
      await pool.query('SELECT 1');
      await waitFor('its end', () => sizesOf(pool)[0] === 0);
      return written.some((chunk) => COM_QUIT.equals(chunk));
    });
    expect(outcome).toEqual({ mysql2: false, poolwright: true });
  },

  'end-twice': async () => {
    const outcome = await onBoth({}, async ({ pool }) => {
      await pool.query('SELECT 1');
      await pool.end();
      return await pool.end().then(
        () => 'ended',
        (error: Error) => error.message,
      );
    });
    expect(outcome).toEqual({ mysql2: "Can't add new command when connection is in closed state", poolwright: 'ended' });
  },

  'stream-of-closed-connection': async () => {
    const outcome = await onBoth({}, async ({ callbacks }, subject) => {
      const connection = await borrow(callbacks);
      connection.on('error', () => undefined);
      connection.destroy();
      return await comesTo(subject, connection.query('SELECT 1').stream().toArray(), 300);
    });
    expect(outcome).toEqual({ mysql2: 'nothing yet', poolwright: 'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR' });
  },

  'abandoned-stream': async () => {
    const outcome = await onBoth({ connectionLimit: 1 }, async ({ pool, callbacks }, subject) => {
      const stream = callbacks.query(`SELECT seq, REPEAT('x', 10000) AS text FROM ${sequence(2_000_000)}`).stream();
      for await (const row of stream as AsyncIterable<{ seq: number }>) if (row.seq === 10) break;
      const answered = pool.query('SELECT 1').then(() => 'answered');
      const result = await comesTo(subject, answered);
      if (result !== 'answered') (internalsOf(pool)._allConnections.get(0) as CallbackConnection).destroy();
      return result;
    });
    expect(outcome).toEqual({ mysql2: 'nothing yet', poolwright: 'answered' });
  },

  'async-context': async () => {
    const storage = new AsyncLocalStorage<string>();
    const outcome = await onBoth({ connectionLimit: 1 }, async ({ callbacks }) => {
      const held = await borrow(callbacks);
      const found = storage.run('caller', () =>
        answerOf((done) =>
          callbacks.getConnection((_, connection) => {
            connection.release();
            done(null, storage.getStore());
          }),
        ),
      );
      storage.run('somebody else', () => held.release());
      return (await found).results[0];
    });
    expect(outcome).toEqual({ mysql2: 'somebody else', poolwright: 'caller' });
  },

  'queue-errors': async () => {
    const outcome = await onBoth({ connectionLimit: 1, queueLimit: 1 }, async ({ callbacks }) => {
      const held = await borrow(callbacks);
      const waiting = borrow(callbacks);
      const { error, synchronous } = await answerOf((done) => callbacks.getConnection(done as never));
      held.release();
      (await waiting).release();
      return { code: error?.code, text: error?.message.slice(0, 20), synchronous };
    });
    expect(outcome).toEqual({
      mysql2: { code: undefined, text: 'Queue limit reached.', synchronous: true },
      poolwright: { code: 'POOL_QUEUE_FULL', text: 'Queue limit reached.', synchronous: false },
    });
  },

  'failure-codes': async () => {
    const outcome = await both(async (subject) => {
      await using server = await droppingServer();
      const unreachable = subject.create({ host: '127.0.0.1', port: server.port, user: 'nobody' });
      const connecting = await errorOf(unreachable.query('SELECT 1'));
      await unreachable.end().catch(() => undefined);
      await using fixture = await open(subject);
      const denied = subject.create({ ...fixture.database.connection, password: 'wrong' });
      const login = await errorOf(denied.query('SELECT 1'));
      await denied.end().catch(() => undefined);
      const running = errorOf(fixture.pool.query('SELECT SLEEP(5)'));
      await waitFor('the statement', async () =>
        (await fixture.database.processlist()).some(({ info }) => info?.includes('SLEEP') === true),
      );
      await fixture.database.killConnections();
      return [codeOf(connecting), [codeOf(login), login.errno], codeOf(await running)];
    });
    expect(outcome).toEqual({
      mysql2: ['PROTOCOL_CONNECTION_LOST', ['ER_ACCESS_DENIED_ERROR', 1045], 'PROTOCOL_CONNECTION_LOST'],
      poolwright: ['POOL_CONNECT_FAILED', ['POOL_CONNECT_FAILED', 1045], 'POOL_CONNECTION_LOST'],
    });
  },

  'read-only-server': async () => {
    const outcome = await onBoth({ connectionLimit: 1 }, async ({ pool }) => {
      await pool.query("CREATE PROCEDURE read_only() SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290, MESSAGE_TEXT = 'read-only'");
      const connection = await pool.getConnection();
      const id = connection.threadId;
      await errorOf(connection.query('CALL read_only()'));
      connection.release();
      return (await connectionIdOf(pool)) === id;
    });
    expect(outcome).toEqual({ mysql2: true, poolwright: false });
  },

  'no-statement': async () => {
    const outcome = await onBoth({}, async ({ pool }) => {
      const error = await errorOf(pool.query(undefined as never));
      return { name: error.name, code: error.code, connections: sizesOf(pool)[0] };
    });
    expect(outcome).toEqual({
      mysql2: { name: 'TypeError', code: undefined, connections: 1 },
      poolwright: { name: 'PoolError', code: 'POOL_OPTION_INVALID', connections: 0 },
    });
  },

  'unknown-options': async () => {
    const outcome = await both(async (subject) => {
      const create = (): unknown => subject.create({ host: '127.0.0.1', conectionLimit: 5 } as PoolOptions);
      try {
        return internalsOf(create() as Fixture['pool']).config.connectionLimit;
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(outcome).toEqual({ mysql2: 10, poolwright: 'Unknown option conectionLimit. Did you mean connectionLimit?' });
  },

  tls: async () => {
    const outcome = await both(async (subject) => {
      const pool = subject.create({ host: 'db.example.com', user: 'nobody' });
      const { ssl } = internalsOf(pool).config.connectionConfig as { ssl: false | { verifyIdentity?: boolean } };
      return ssl === false ? 'plaintext' : ssl.verifyIdentity;
    });
    expect(outcome).toEqual({ mysql2: 'plaintext', poolwright: true });
  },

  'process-exit': async () => {
    const outcome = await onBoth({}, async ({ pool }) => {
      const held = await pool.getConnection();
      const { stream } = (held as unknown as { connection: { stream: { _handle: { hasRef(): boolean } } } }).connection;
      held.release();
      return stream._handle.hasRef();
    });
    expect(outcome).toEqual({ mysql2: true, poolwright: false });
  },
};

describe('a deliberate difference from mysql2’s pool, shown on both:', () => {
  it.each(DIFFERENCES.map((row) => [`${row.id}: ${row.when}`, row.id] as const))('%s', async (_, id) => {
    expect.hasAssertions();
    await SHOWN[id]();
  });

  it('has an id of its own', () => {
    expect(new Set(DIFFERENCES.map(({ id }) => id)).size).toBe(DIFFERENCES.length);
  });
});

describe('a borrowed connection that dies', () => {
  it('never ends the process by an error without a listener', async () => {
    await using fixture = await open(poolwright);
    const connection = await borrow(fixture.callbacks);
    await fixture.database.killConnections();
    const command = connection.query('SELECT 1') as unknown as EventEmitter & { stream(): AsyncIterable<unknown> };
    const stream = command.stream() as unknown as { toArray(): Promise<unknown> };
    await expect(stream.toArray().catch(codeOf)).resolves.toMatch(/^PROTOCOL_/);
    connection.release();
  });
});
