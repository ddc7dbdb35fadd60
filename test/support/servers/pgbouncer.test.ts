import { existsSync } from 'node:fs';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPgBouncer } from './pgbouncer.js';
import { type PostgresServer, startPostgres } from './postgres-server.js';
import { processExists } from '../process-exists.js';

async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a private PostgreSQL', () => {
  it('serves clients that know the password, over TCP, as another account than root', async () => {
    await using server = await startPostgres({ settings: { max_connections: '7' } });

    expect(await query(server.url(), 'SHOW max_connections')).toEqual([{ max_connections: '7' }]);
    expect(await query(server.url(), 'SHOW password_encryption')).toEqual([{ password_encryption: 'scram-sha-256' }]);
    await expect(query(server.url({ password: 'wrong' }), 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('starts again with its data after SIGKILL, and leaves nothing behind', async () => {
    const server = await startPostgres();
    await query(server.url(), 'CREATE TABLE kept AS SELECT 7 AS id');
    const { pid } = server;

    await server.kill('SIGKILL');
    await server.restart();

    expect(server.pid).not.toBe(pid);
    expect(await query(server.url(), 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
    const [folder] = await query(server.url(), 'SHOW data_directory');
    expect(existsSync(String(folder?.['data_directory']))).toBe(true);
    await server.stop();
    expect(existsSync(String(folder?.['data_directory']))).toBe(false);
    expect(processExists(server.pid)).toBe(false);
    await expect(query(server.url(), 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('says why it does not start', async () => {
    await expect(startPostgres({ settings: { no_such_setting: '1' } })).rejects.toThrow(/PostgreSQL did not start.*no_such_setting/su);
  });
});

describe('a private PgBouncer', () => {
  let postgres: PostgresServer;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  it.each(['scram-sha-256', 'md5'] as const)(
    'distinguishes administrators, statistics users and plain users, with %s',
    async (authType) => {
      await using bouncer = await startPgBouncer(postgres, { authType });

      expect(await query(bouncer.url('admin'), 'SHOW VERSION')).toEqual([{ version: expect.stringMatching(/^PgBouncer \d/u) as string }]);
      expect(await query(bouncer.url('stats'), 'SHOW POOLS')).not.toEqual([]);
      await expect(query(bouncer.url('stats'), 'RELOAD')).rejects.toThrow(/admin access needed/u);
      await expect(query(bouncer.url('plain'), 'SHOW VERSION')).rejects.toThrow(/not allowed/u);
      await expect(query(bouncer.url('admin', { password: 'wrong' }), 'SHOW VERSION')).rejects.toThrow(/authentication failed/u);
      await expect(query(bouncer.url('admin', { user: 'nobody' }), 'SHOW VERSION')).rejects.toThrow(/authentication|no such user/u);
    },
  );

  it('leads to the database', async () => {
    await using bouncer = await startPgBouncer(postgres);
    const url = bouncer.url('plain', { database: bouncer.database });

    expect(await query(url, 'SELECT current_user AS name')).toEqual([{ name: bouncer.users.plain.user }]);
    const databases = await query(bouncer.url(), 'SHOW DATABASES');
    expect(databases.map((row) => row['name'])).toContain(bouncer.database);
  });

  it('takes other settings, starts again after SIGKILL, and leaves nothing behind', async () => {
    const bouncer = await startPgBouncer(postgres, { settings: { max_client_conn: '33' } });
    await bouncer.kill('SIGKILL');
    await bouncer.restart();
    const config = await query(bouncer.url(), 'SHOW CONFIG');
    const setting = (key: string): string => String(config.find((row) => row['key'] === key)?.['value']);
    expect(setting('max_client_conn')).toBe('33');
    expect(existsSync(setting('unix_socket_dir'))).toBe(true);

    const client = new Client({ connectionString: bouncer.url() });
    client.on('error', () => undefined);
    await client.connect();
    await bouncer.stop();

    expect(processExists(bouncer.pid)).toBe(false);
    expect(existsSync(setting('unix_socket_dir'))).toBe(false);
    await expect(query(bouncer.url(), 'SHOW VERSION')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
