import { copyFile } from 'node:fs/promises';
import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { firstRow } from '../pool-on-database.js';
import { createDatabase } from '../servers/database.js';
import { DIFFERENCES } from './differences.js';
import { sequence } from './sequence.js';
import { differs, onlyWhere, reloadTls, startServer, thisServer, withoutTls } from './this-server.js';

describe('the server of this run', () => {
  it('is of the kind that was chosen', async () => {
    await using database = await createDatabase();
    await using connection = await createConnection(database.connection);
    const { version } = await firstRow(connection, 'SELECT VERSION() AS version');
    expect(version).toBe(database.server.version);
    expect(String(version).includes('MariaDB')).toBe(database.server.family === 'mariadb');
    expect(thisServer()).toEqual(database.server);
  });

  it('has the differences that the table says', async (context) => {
    onlyWhere(context, 'compoundStatements');
    await using database = await createDatabase();
    await database.admin('BEGIN NOT ATOMIC SELECT 1; END');
    expect(Object.values(DIFFERENCES).every(({ sentence }) => sentence.endsWith('.'))).toBe(true);
  });

  it('counts as far as asked, in order', async () => {
    await using database = await createDatabase();
    const rows = await database.admin(`SELECT seq FROM ${sequence(2_000)}`);
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 2_000 }, (_, index) => index + 1));
    expect(await database.admin(`SELECT COUNT(*) AS n FROM ${sequence(3, 'a')}, ${sequence(2, 'b')}`)).toEqual([{ n: 6 }]);
  });
});

describe('a server of the same kind', () => {
  it('can be frozen, killed and started again, and keeps its data', async () => {
    await using server = await startServer();
    await using database = await createDatabase(server);
    await database.admin('CREATE TABLE kept AS SELECT 7 AS id');

    await server.kill('SIGSTOP');
    await expect(createConnection({ ...database.connection, connectTimeout: 300 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await server.kill('SIGCONT');
    await server.waitUntilReady();
    await server.kill('SIGKILL');
    await expect(createConnection(database.connection)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();

    expect(await database.admin('SELECT id FROM kept')).toEqual([{ id: 7 }]);
  });

  it('offers verified TLS, reads another certificate when it is asked to, and offers none when the options say so', async () => {
    await using server = await startServer();
    await using database = await createDatabase(server);
    const ssl = { ca: server.caCertificate, verifyIdentity: true };
    await (await createConnection({ ...database.connection, ssl })).end();
    const other = await server.authority.issue({ name: 'other', commonName: 'other.example', hosts: ['other.example'] });
    await copyFile(other.certificatePath, server.certificatePath);
    await copyFile(other.keyPath, server.keyPath);
    await reloadTls(database);
    await expect(createConnection({ ...database.connection, ssl })).rejects.toThrow(/altnames/u);

    await using plain = await startServer({ arguments: [withoutTls()] });
    await using clear = await createDatabase(plain);
    await expect(createConnection({ ...clear.connection, ssl: {} })).rejects.toMatchObject({ code: 'HANDSHAKE_NO_SSL_SUPPORT' });
    expect(differs('flushSsl')).toBe(thisServer().family === 'mariadb');
  });
});
