import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.js';
import { borrow, errorOf, open, sizesOf, SUBJECTS } from './support/subjects.js';
import { sequence } from '../support/sql-servers/sequence.js';

/** The command that `query` without a callback returns. */
interface Command extends NodeJS.EventEmitter {
  stream(options?: object): Readable;
}

describe.each(SUBJECTS)('streams of $name', (subject) => {
  it('of pool.query give all rows, then the connection goes back', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { callbacks } = fixture;
    const rows = await callbacks
      .query(`SELECT seq FROM ${sequence(2_000)}`)
      .stream()
      .toArray();
    expect([rows.length, rows[0], rows.at(-1)]).toEqual([2_000, { seq: 1 }, { seq: 2_000 }]);
    await waitFor('the release', () => sizesOf(callbacks)[1] === 1);
  });

  it('of a borrowed connection, of query and execute, can be read by async iteration', async () => {
    await using fixture = await open(subject);
    const connection = await borrow(fixture.callbacks);
    for (const method of ['query', 'execute'] as const) {
      const command = connection[method](`SELECT seq FROM ${sequence(100)}`) as unknown as Command;
      let sum = 0;
      for await (const row of command.stream() as AsyncIterable<{ seq: number }>) sum += row.seq;
      expect(sum).toBe(5_050);
    }
    connection.release();
  });

  it('fail with the error of the server', async () => {
    await using fixture = await open(subject, { connectionLimit: 1 });
    const { callbacks, pool } = fixture;
    expect(await errorOf(callbacks.query('SELECT * FROM missing').stream().toArray())).toMatchObject({
      errno: 1146,
      code: 'ER_NO_SUCH_TABLE',
    });
    expect((await pool.query('SELECT 1 AS one'))[0]).toEqual([{ one: 1 }]);
  });

  it('give the fields before the rows', async () => {
    await using fixture = await open(subject);
    const stream = fixture.callbacks.query(`SELECT seq FROM ${sequence(10)}`).stream();
    const told: unknown[] = [];
    stream.on('fields', (fields: { name: string }[]) => told.push(fields.map(({ name }) => name)));
    stream.on('data', () => told.push('row'));
    await once(stream, 'end');
    expect(told).toEqual([['seq'], ...Array.from({ length: 10 }, () => 'row')]);
  });

  it('take a highWaterMark and hold back what is not read', async () => {
    await using fixture = await open(subject);
    const connection = await borrow(fixture.callbacks);
    const command = connection.query(`SELECT seq, REPEAT('x', 1000) AS text FROM ${sequence(5_000)}`) as unknown as Command;
    const stream = command.stream({ highWaterMark: 5 });
    await once(stream, 'readable');
    expect(stream.readableLength).toBeLessThanOrEqual(6);
    expect(await stream.toArray()).toHaveLength(5_000);
    connection.release();
  });

  it('as events: "fields", "result" for each row, "end"', async () => {
    await using fixture = await open(subject);
    const { callbacks } = fixture;
    const events: string[] = [];
    const command = callbacks.query(`SELECT seq FROM ${sequence(3)}`) as unknown as Command;
    for (const event of ['fields', 'result', 'end']) command.on(event, () => events.push(event));
    await once(command, 'end');
    expect(events).toEqual(['fields', 'result', 'result', 'result', 'end']);
  });

  it('as events: "error" when the statement fails, or the pool is closed', async () => {
    await using fixture = await open(subject);
    const { callbacks, pool } = fixture;
    const [error] = await once(callbacks.query('SELECT * FROM missing') as unknown as Command, 'error');
    expect(error).toMatchObject({ errno: 1146 });
    await pool.end();
    const command = callbacks.query('SELECT 1') as unknown as Command;
    const [closed] = await once(command, 'error');
    expect((closed as Error).message).toBe('Pool is closed.');
  });

  it('can be paused and resumed with their connection', async () => {
    await using fixture = await open(subject);
    const connection = await borrow(fixture.callbacks);
    const command = connection.query(`SELECT seq FROM ${sequence(1_000)}`) as unknown as Command;
    let rows = 0;
    command.on('result', () => {
      rows += 1;
      if (rows % 100 !== 0) return;
      connection.pause();
      setImmediate(() => connection.resume());
    });
    await once(command, 'end');
    expect(rows).toBe(1_000);
    connection.release();
  });
});
