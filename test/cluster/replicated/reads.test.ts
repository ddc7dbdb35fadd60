/** Reads of replicas against real replication: what they see, and where they go. */
import type { RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/cluster/index.js';
import { errorOf } from '../../support/pool-on-database.js';
import { allUp, openCluster } from '../../support/replication/cluster-on-replication.js';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { type Replication, startReplication } from '../../support/replication/replication.js';
import { chosenKind } from '../../support/sql-servers/kinds.js';
import { waitFor } from '../../support/wait-for.js';

const INSERT = 'INSERT INTO notes (value) VALUES (?)';
const COUNT = 'SELECT COUNT(*) AS count, @@server_id AS server FROM notes';

interface CountRow extends RowDataPacket {
  readonly count: number;
  readonly server: number;
}

let servers: Replication;
let source: ReplicatedNode;
let replicas: readonly [ReplicatedNode, ReplicatedNode];
beforeAll(async () => {
  servers = await startReplication({ kind: chosenKind(), proxied: false, arguments: ['--log-bin-trust-function-creators=1'] });
  const [first, ...others] = servers.nodes as [ReplicatedNode, ReplicatedNode, ReplicatedNode];
  source = first;
  replicas = others;
  await using db = await openCluster(servers);
  await db.query('CREATE TABLE notes (id INT PRIMARY KEY AUTO_INCREMENT, value INT) ENGINE=InnoDB');
  for (const replica of replicas) await servers.caughtUp(replica, source);
});
afterAll(() => servers[Symbol.asyncDispose]());

async function read(from: Pick<Cluster, 'query'>, options: object = {}): Promise<CountRow> {
  const [[row]] = await from.query<CountRow[]>({ sql: COUNT, ...options });
  return row as CountRow;
}

/** What a replica answers. On a busy machine one is in doubt at times, and the writer answers for it. */
function fromReplica(db: Cluster, options: object = {}): Promise<CountRow> {
  return waitFor(
    'a replica to answer',
    () => read(db.reader, options),
    ({ server }) => server !== source.serverId,
  );
}

/** Both replicas stay behind while work is done. */
async function whileBehind<T>(work: () => Promise<T>): Promise<T> {
  for (const replica of replicas) await servers.delay(replica, 3_600);
  try {
    return await work();
  } finally {
    for (const replica of replicas) {
      await servers.delay(replica, 0);
      await servers.caughtUp(replica, source);
    }
  }
}

describe('a read', () => {
  it('goes to replicas, and what is written goes to the writer', async () => {
    await using db = await openCluster(servers);
    const seen: number[] = [];
    // One that was in doubt for a moment, on a busy machine, is asked rarely at first.
    await waitFor(
      'both replicas to be asked',
      async () => seen.push((await read(db.reader, { consistency: 'eventual' })).server),
      () => replicas.every(({ serverId }) => seen.includes(serverId)),
    );
    expect((await read(db)).server).toBe(source.serverId);
    await waitFor(
      'a replica',
      async () => seen.push((await read(db, { route: 'reader' })).server),
      () => seen.at(-1) !== source.serverId,
    );
    expect((await read(db.reader, { route: 'writer' })).server).toBe(source.serverId);
    expect((await read(db.reader, { consistency: 'strong' })).server).toBe(source.serverId);
    // On a busy machine a replica is in doubt at times, and a read goes to the writer for that reason.
    expect(db.readStats().reads).toMatchObject({
      'reader:fit': seen.filter((server) => server !== source.serverId).length,
      'writer:strong': 2,
    });
  });

  it('runs the hooks of the application on every node, and has the settings that its caller asks for', async () => {
    const acquired = new Map<number | undefined, number>();
    await using db = await openCluster(servers, {
      onAcquire: (connection) => {
        const { port } = connection.config;
        acquired.set(port, (acquired.get(port) ?? 0) + 1);
      },
    });
    await waitFor('every node to be asked', async () => {
      await read(db);
      await read(db.reader, { consistency: 'eventual' });
      return acquired.size === servers.nodes.length;
    });
    const zone = { sql: 'SELECT @@time_zone AS zone', session: { time_zone: '+02:00' } };
    for (const from of [db, db.reader]) expect((await from.query(zone))[0]).toEqual([{ zone: '+02:00' }]);
    expect((await db.reader.query('SELECT @@time_zone AS zone'))[0]).not.toEqual([{ zone: '+02:00' }]);
  });

  it('sees what this process has written before it, however far the replicas are behind', async () => {
    await using db = await openCluster(servers, { reads: { waitTimeout: 200 } });
    await whileBehind(async () => {
      const before = await read(db);
      const byPosition = (): number => db.readStats().reads['writer:position'] ?? 0;
      // On a busy machine a replica is in doubt at times, and a read goes to the writer for that reason.
      let round = 0;
      while (byPosition() < 5) {
        round += 1;
        await (round % 2 === 0 ? db.execute(INSERT, [round]) : db.transaction((tx) => tx.query(INSERT, [round])));
        expect((await read(db.reader)).count).toBe(before.count + round);
      }
      const late = await fromReplica(db, { consistency: 'eventual' });
      expect(late.count).toBe(before.count);
      // Each read that waited did so once.
      expect(db.readStats().waits.count).toBeGreaterThanOrEqual(5);
      expect(db.readStats().waits.count).toBeLessThanOrEqual(round);
    });
    await fromReplica(db);
  });

  it('waits for a replica that comes to it in time', async () => {
    await using db = await openCluster(servers, { reads: { waitTimeout: 30_000 } });
    const { before, reading } = await whileBehind(async () => {
      // Setting the delay stops replication for a moment, and a replica that is seen then serves nothing until it is seen again.
      await allUp(db);
      const { count } = await read(db);
      await db.query(INSERT, [1]);
      const started = read(db.reader);
      const answeredAtOnce = started.then(({ server }) => Promise.reject(new Error(`The read did not wait: server ${server} answered.`)));
      await Promise.race([waitFor('the read to wait', () => db.reader.borrowed().length > 0), answeredAtOnce]);
      return { before: count, reading: started };
    });
    expect((await reading).count).toBe(before + 1);
    expect(db.readStats().reads).toEqual({ 'reader:fit': 1 });
  });

  it('in a scope waits for no write of another one', async () => {
    await using db = await openCluster(servers, { reads: { waitTimeout: 0 } });
    await whileBehind(async () => {
      await db.scope(async () => {
        const before = await read(db);
        await db.query(INSERT, [1]);
        expect((await read(db.reader)).count).toBe(before.count + 1);
        expect((await read(db.reader)).server).toBe(source.serverId);
      });
      await db.scope(async () => {
        await fromReplica(db);
        // Written after an await in a function of its own.
        await (async () => {
          await Promise.resolve();
          const connection = await db.getConnection();
          await connection.query(INSERT, [1]);
          connection.release();
        })();
        expect((await read(db.reader)).server).toBe(source.serverId);
      });
    });
  });

  it('sees a position of another process', async () => {
    await using one = await openCluster(servers, { name: 'one' });
    await using other = await openCluster(servers, { name: 'other', reads: { waitTimeout: 0 } });
    await whileBehind(async () => {
      const position = await one.scope(async () => {
        await one.query(INSERT, [1]);
        return one.position();
      });
      expect(position).not.toBe('');
      const now = await read(one);
      expect((await fromReplica(other)).count).toBeLessThan(now.count);
      expect((await read(other.reader, { after: position })).count).toBe(now.count);
      expect((await read(other, { route: 'reader', consistency: 'bounded', maxLag: 3_600_000, after: position })).count).toBe(now.count);
    });
  });

  it('is at most so far behind as it was asked', async () => {
    await using db = await openCluster(servers, { monitor: { interval: 100, intervalInDoubt: 50 } });
    const [late, current] = replicas;
    await servers.delay(late, 3_600);
    try {
      await db.query(INSERT, [1]);
      await servers.caughtUp(current, source);
      await waitFor(
        'the lag to be seen',
        () => db.topology().nodes.find(({ name }) => name === late.name)?.lagMs ?? 0,
        (lagMs) => lagMs > 50,
      );
      for (let round = 0; round < 10; round += 1) {
        expect((await read(db.reader, { consistency: 'bounded', maxLag: 50 })).server).not.toBe(late.serverId);
      }
    } finally {
      await servers.delay(late, 0);
      await servers.caughtUp(late, source);
    }
  });

  it('of a function that writes is seen by the reads behind it', async () => {
    await using db = await openCluster(servers, { monitor: { interval: 200 }, reads: { waitTimeout: 0 } });
    await db.query('CREATE FUNCTION note_one() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO notes (value) VALUES (9); RETURN 1; END');
    await whileBehind(async () => {
      const before = await read(db);
      await db.query('SELECT note_one()');
      expect((await read(db.reader)).count).toBe(before.count + 1);
    });
    await fromReplica(db);
  });
});

describe('a replica whose replication was stopped', () => {
  it('serves no reads', async () => {
    await using db = await openCluster(servers, { monitor: { interval: 100, intervalInDoubt: 50 } });
    const [stopped] = replicas;
    await servers.stopApplying(stopped);
    try {
      await waitFor(
        'it to be unfit',
        () => db.topology().nodes.find(({ name }) => name === stopped.name)?.state,
        (state) => state !== 'up',
      );
      for (let round = 0; round < 10; round += 1) expect((await read(db.reader)).server).not.toBe(stopped.serverId);
    } finally {
      await servers.startApplying(stopped);
    }
  });
});

describe('db.reader', () => {
  it('is a pool: connections, transactions that only read, callbacks', async () => {
    await using db = await openCluster(servers);
    const connection = await db.reader.getConnection({ consistency: 'eventual' });
    expect((await read(connection as never)).server).not.toBe(source.serverId);
    expect(db.reader.borrowed()).toHaveLength(1);
    expect(db.reader.summary().used).toBe(1);
    connection.release();
    expect(db.reader.stats()).toMatchObject({ acquired: 1, released: 1, used: 0, acquire: { count: 1 } });
    expect(db.reader.durationCounts('acquire', [600_000])).toMatchObject({ count: 1, cumulative: [1] });
    const [first, second] = await db.reader.transaction(async (tx) => [await read(tx as never), await read(tx as never)]);
    expect(first.server).toBe(second.server);
    expect(first.server).not.toBe(source.serverId);
    // Which of the two reasons it gives is the server's choice.
    expect([1290, 1792]).toContain((await errorOf(db.reader.transaction((tx) => tx.query(INSERT, [1])))).errno);
    expect((await errorOf(db.reader.transaction(() => Promise.resolve(), { readOnly: false }))).code).toBe('POOL_OPTION_INVALID');
    const byCallback = await new Promise<CountRow[]>((resolve, reject) => {
      db.reader.pool.query<CountRow[]>(COUNT, (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
    expect(byCallback[0]?.server).not.toBe(source.serverId);
    const routed = await new Promise<CountRow[]>((resolve, reject) => {
      db.pool.query<CountRow[]>({ sql: COUNT, route: 'reader' }, (error, rows) => (error === null ? resolve(rows) : reject(error)));
    });
    expect(routed[0]?.server).not.toBe(source.serverId);
    await db.transaction(async (tx) => {
      expect((await read(tx as never)).server).toBe(source.serverId);
      expect((await errorOf(read(tx as never, { route: 'reader' }))).message).toMatch(/runs on the connection that was borrowed for it/);
    });
  });

  it('survives a write that a replica refuses', async () => {
    await using db = await openCluster(servers);
    await read(db.reader);
    const { opened } = db.reader.stats();
    for (let round = 0; round < 5; round += 1) expect((await errorOf(db.reader.query(INSERT, [1]))).errno).toBe(1290);
    await read(db.reader);
    expect(db.reader.stats().closed).toBe(0);
    expect(db.reader.stats().opened).toBeLessThanOrEqual(Math.max(opened, 2));
    expect(db.topology().nodes.every(({ state }) => state === 'up')).toBe(true);
  });

  it('refuses what is wrong, by name', async () => {
    await using db = await openCluster(servers);
    const messages: readonly (readonly [object, RegExp])[] = [
      [{ route: 'replica' }, /route must be 'reader' or 'writer'; given: 'replica'/],
      [{ consistency: 'weak' }, /consistency must be 'eventual', 'bounded', 'session' or 'strong'/],
      [{ maxLag: -1 }, /maxLag/],
      [{ maxLag: 10, consistency: 'eventual' }, /maxLag must be left out with consistency: 'eventual'/],
      [{ after: 7 }, /after must be a position/],
      [{ after: 'yesterday' }, /after must be a position, as db\.position\(\) gives it: "yesterday" is no GTID/],
      [{ route: 'writer', consistency: 'session' }, /consistency must be 'strong' or left out/],
    ];
    for (const [options, message] of messages) {
      expect(await errorOf(read(db.reader, options))).toMatchObject({
        code: 'POOL_OPTION_INVALID',
        message: expect.stringMatching(message) as string,
      });
    }
    expect((await errorOf(read(db, { consistency: 'bounded' }))).message).toMatch(/goes to the writer: add route: 'reader'/);
    expect((await errorOf(db.query({ sql: COUNT, consistency: 'bounded' }))).code).toBe('POOL_OPTION_INVALID');
  });

  it('refuses reads when no replica is fit, where the options ask for that', async () => {
    await using db = await openCluster(servers, { reads: { fallback: 'refuse', waitTimeout: 0 } });
    await whileBehind(async () => {
      await db.query(INSERT, [1]);
      const error = await errorOf(read(db.reader));
      expect(error).toMatchObject({ code: 'POOL_NO_READER' });
      expect(error.message).toMatch(/No replica of '.*' is fit for this read, and reads\.fallback is 'refuse': 127\.0\.0\.1/);
    });
  });
});
