import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../support/servers/database.js';
import { freePort } from '../../support/network/free-port.js';
import { errorOf, outcomeOf, poolOf, valueOf } from '../../support/pool-on-database.js';

/** Longer than the client's request for TLS: what follows is the TLS handshake. */
const SSL_REQUEST_BYTES = 36;

describe('I6: a connection that the network cuts during the TLS handshake', () => {
  it('is a failure that may pass: it is tried again soon, and ready() waits', async () => {
    await using database = await createDatabase();
    let cut = true;
    const proxy = createServer((client) => {
      const server = connect(database.port, database.host);
      let bytes = 0;
      client.on('error', () => undefined);
      server.on('error', () => undefined);
      client.on('data', (data) => {
        bytes += data.length;
        if (cut && bytes > SSL_REQUEST_BYTES) client.end();
        else server.write(data);
      });
      server.on('data', (data) => void (client.writable && client.write(data)));
      client.on('close', () => server.destroy());
    });
    const port = await freePort();
    proxy.listen(port, '127.0.0.1');
    await once(proxy, 'listening');
    try {
      await using pool = poolOf(database, { port, ssl: { ca: database.caCertificate } });
      expect(await errorOf(pool.query('SELECT 1'))).toMatchObject({ cause: { code: 'HANDSHAKE_SSL_ERROR' } });
      const failedAgain = new Promise((resolve) => {
        pool.watch('connectFailed', resolve);
      });
      const ready = outcomeOf(pool.ready({ timeout: 5_000 }));
      await Promise.race([failedAgain, ready]);
      cut = false;
      expect(await ready).toEqual({ value: undefined });
      expect(await valueOf(pool, '1')).toBe(1);
    } finally {
      proxy.close();
    }
  });
});
