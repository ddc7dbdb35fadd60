import { describe, expect, it } from 'vitest';
import { errorOf, openPool, outcomeOf, valueOf } from '../../support/pool-on-database.js';

describe('I7: errno 1153, after which the server closes the connection', () => {
  it('is fatal: waiters are not served by that connection', async () => {
    await using fixture = await openPool({ connectionLimit: 1 });
    const { pool } = fixture;
    const tooLarge = errorOf(pool.query('SELECT ? AS text', ['x'.repeat(17_000_000)]));
    const waiting = outcomeOf(valueOf(pool, "'answered'"));
    // The server's error, or that of the socket which it closes on the rest of the packet.
    expect((await tooLarge).code).toMatch(/^(?:ER_NET_PACKET_TOO_LARGE|POOL_CONNECTION_LOST)$/u);
    expect(await waiting).toEqual({ value: 'answered' });
  });
});
