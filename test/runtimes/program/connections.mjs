/** Checks of connections: TLS, sockets, failures to connect. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createPool } from 'poolwright';
import { check, connectionOptions, errorOf, settings } from './checks.mjs';

async function oneQuery(options, sql = "SHOW SESSION STATUS LIKE 'Ssl_cipher'") {
  const pool = createPool(connectionOptions({ acquireTimeout: 20_000, ...options }));
  try {
    const [[row]] = await pool.query(sql);
    return row;
  } finally {
    await pool.end();
  }
}

const refusal = async (ssl, more = {}) => {
  const error = await errorOf(oneQuery({ ssl, ...more }));
  const causes = [];
  for (let cause = error; cause; cause = cause.cause) causes.push(`${cause.code ?? ''} ${cause.message}`);
  return causes.join(' | ');
};

check('TLS: verified with our certificate authority', async () => {
  const { Value: cipher } = await oneQuery({});
  assert.match(cipher, /AES|CHACHA/);
});

check('TLS: versions and ciphers as asked for', async () => {
  const { Value: version } = await oneQuery(
    { ssl: { ca: settings.caCertificate, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } },
    "SHOW SESSION STATUS LIKE 'Ssl_version'",
  );
  assert.equal(version, 'TLSv1.2');
});

check('TLS: another certificate authority is refused', async () => {
  assert.match(await refusal({ ca: settings.otherCertificate }), /certificate|UNABLE_TO|SELF_SIGNED|UnknownIssuer/i);
});

check('TLS: without a certificate authority the private one is refused', async () => {
  assert.match(await refusal({}), /certificate|UNABLE_TO|SELF_SIGNED|UnknownIssuer/i);
});

check('TLS: a certificate for another host is refused', async () => {
  // The certificate has "localhost" and "127.0.0.1" only.
  const host = '127.0.0.2';
  const proxy = createServer((socket) => {
    const server = connect(settings.port, settings.host);
    socket.on('error', () => server.destroy()).pipe(server);
    server.on('error', () => socket.destroy()).pipe(socket);
  }).listen(0, host);
  await once(proxy, 'listening');
  const { port } = proxy.address();
  const refused = await refusal({ ca: settings.caCertificate }, { host, port });
  await new Promise((resolve) => proxy.close(resolve));
  assert.match(refused, /altname|hostname|NotValidForName|does not match/i);
});

check('TLS: rejectUnauthorized: false takes any certificate', async () => {
  const { Value: cipher } = await oneQuery({ ssl: { rejectUnauthorized: false } });
  assert.match(cipher, /AES|CHACHA/);
});

check('plaintext where it is asked for', async () => {
  const { Value: cipher } = await oneQuery({ ssl: false });
  assert.equal(cipher, '');
});

check('a Unix socket', async () => {
  const { n } = await oneQuery({ socketPath: settings.socketPath, host: undefined, port: undefined, ssl: false }, 'SELECT 1 AS n');
  assert.equal(n, 1);
});

check('a wrong password, a closed port and an unknown host have their codes', async () => {
  assert.match(await refusal(settings.ssl, { password: 'wrong', ssl: { ca: settings.caCertificate } }), /ER_ACCESS_DENIED_ERROR/);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.match(await refusal({}, { port, acquireTimeout: 500 }), /ECONNREFUSED/);
  assert.match(await refusal({}, { host: 'no-such-host.invalid', acquireTimeout: 500 }), /ENOTFOUND|EAI_AGAIN/);
});

check('a server that says nothing: connectTimeout', async () => {
  const sockets = [];
  const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  assert.match(await refusal({}, { port: server.address().port, connectTimeout: 300, acquireTimeout: 3_000 }), /ETIMEDOUT|timed? ?out/i);
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});
