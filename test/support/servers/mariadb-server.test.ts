import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { type Connection, type ConnectionOptions, createConnection, type RowDataPacket } from 'mysql2/promise';
import { build } from 'vite';
import { describe, expect, it } from 'vitest';
import { startMariaDb } from '../../../src/demo/mariadb-server.js';
import type { PrivateServer } from '../../../src/demo/private-server.js';
import { createTemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { processExists } from '../process-exists.js';
import { waitFor } from '../wait-for.js';

async function value(connection: Connection, sql: string): Promise<unknown> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return Object.values(rows[0] ?? {}).at(-1);
}

async function answer(options: ConnectionOptions, sql: string): Promise<unknown> {
  await using connection = await createConnection({ connectTimeout: 2_000, ...options });
  return await value(connection, sql);
}

function asUser(server: PrivateServer): ConnectionOptions {
  return { host: server.host, port: server.port, user: server.user, password: server.password, database: server.database };
}

function asAdmin(server: PrivateServer): ConnectionOptions {
  return { host: server.host, port: server.port, user: server.adminUser, password: server.adminPassword };
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

const OWNER = `
  import { startMariaDb } from ${JSON.stringify(join(import.meta.dirname, '../../../src/demo/mariadb-server.ts'))};
  const server = await startMariaDb();
  process.on('message', (how) => {
    if (how === 'exit') process.exit(3);
    throw new Error('on purpose');
  });
  process.send(server.pid);
`;

/** Builds a program that starts a MariaDB, for Node to run as a process of its own; Node 20 reads no TypeScript. */
async function buildOwner(folder: string): Promise<string> {
  const entry = join(folder, 'owner.ts');
  await writeFile(entry, OWNER);
  const output = { entryFileNames: 'owner.mjs' };
  await build({
    configFile: false,
    logLevel: 'silent',
    root: folder,
    build: { ssr: entry, outDir: folder, emptyOutDir: false, rolldownOptions: { output } },
  });
  return join(folder, 'owner.mjs');
}

async function startOwner(program: string, temporaryFolder: string): Promise<{ owner: ChildProcess; serverPid: number }> {
  const owner = fork(program, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], env: { ...process.env, TMPDIR: temporaryFolder } });
  const [serverPid] = (await once(owner, 'message')) as [number];
  return { owner, serverPid };
}

describe('a private MariaDB', () => {
  it('serves its application user by URL, over TCP in clear, over verified TLS and over its socket', async () => {
    await using server = await startMariaDb();
    const cipher = "SHOW SESSION STATUS LIKE 'Ssl_cipher'";

    expect(await answer({ uri: server.url() }, 'SELECT DATABASE()')).toBe('app');
    expect(await answer(asUser(server), cipher)).toBe('');
    expect(await answer({ ...asUser(server), ssl: { ca: server.caCertificate, verifyIdentity: true } }, cipher)).toMatch(/AES|CHACHA/u);
    expect(
      await answer({ ...asUser(server), host: 'localhost', ssl: { ca: server.caCertificate, verifyIdentity: true } }, cipher),
    ).not.toBe('');
    expect(await answer({ socketPath: server.socketPath, user: server.user, password: server.password }, 'SELECT CURRENT_USER()')).toBe(
      'poolwright@%',
    );
    expect(server.password).not.toBe(encodeURIComponent(server.password));
  });

  it('lets in no user without a password, and the application user only into its database', async () => {
    await using server = await startMariaDb();
    const { host, port, socketPath } = server;

    for (const user of ['root', 'poolwright', 'mysql', '']) {
      await expect(answer({ host, port, user, password: '' }, 'SELECT 1')).rejects.toMatchObject({ errno: 1045 });
      await expect(answer({ socketPath, user, password: '' }, 'SELECT 1')).rejects.toMatchObject({ errno: 1045 });
    }
    await expect(answer(asUser(server), 'SELECT COUNT(*) FROM mysql.user')).rejects.toMatchObject({ errno: 1142 });
    expect(await answer(asAdmin(server), 'SELECT COUNT(*) FROM mysql.user WHERE User = "poolwright"')).toBe(1);
  });

  it('reads no my.cnf, listens on loopback only, and has the performance schema on demand', async () => {
    await using server = await startMariaDb({ performanceSchema: true, arguments: ['--max-connections=17'] });

    expect(await answer(asAdmin(server), 'SELECT @@bind_address')).toBe('127.0.0.1');
    expect(await answer(asAdmin(server), 'SELECT @@max_connections')).toBe(17);
    expect(await answer(asAdmin(server), 'SELECT @@performance_schema')).toBe(1);
    expect(await readFile(`/proc/${server.pid}/cmdline`, 'utf8')).toContain('--no-defaults');
  });

  it('starts again on its port, with its data, after SIGKILL', async () => {
    await using server = await startMariaDb();
    const { pid, port } = server;
    await answer(asUser(server), 'CREATE TABLE kept (id INT) AS SELECT 7 AS id');

    await server.kill('SIGKILL');
    expect(processExists(pid)).toBe(false);
    await expect(answer(asUser(server), 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();

    expect(server.pid).not.toBe(pid);
    expect(server.port).toBe(port);
    expect(await answer(asUser(server), 'SELECT id FROM kept')).toBe(7);
  });

  it('starts again while clients hold connections to it and never stop trying', async () => {
    await using server = await startMariaDb();
    const { host, port } = server;
    const done = new AbortController();
    const clients = Array.from({ length: 20 }, async () => {
      while (!done.signal.aborted) {
        const socket = connect({ host, port }).on('error', () => undefined);
        await Promise.race([once(socket, 'close'), once(socket, 'data')]).catch(() => undefined);
        socket.destroy();
      }
    });
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
      await server.kill(signal);
      await server.restart();
    }
    done.abort();
    await Promise.all(clients);
    expect(await answer(asUser(server), 'SELECT 1')).toBe(1);
  });

  it('answers nothing while it is frozen, and continues when it is thawed', async () => {
    await using server = await startMariaDb();
    await using connection = await createConnection(asUser(server));
    let answered = false;

    await server.kill('SIGSTOP');
    const pending = value(connection, 'SELECT 42').finally(() => {
      answered = true;
    });
    await expect(answer({ ...asUser(server), connectTimeout: 300 }, 'SELECT 1')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(answered).toBe(false);

    await server.kill('SIGCONT');
    await server.waitUntilReady();
    expect(await pending).toBe(42);
  });

  it('leaves neither process nor folder when it is stopped, running, frozen or killed', async () => {
    const prepare: ((server: PrivateServer) => Promise<void>)[] = [
      () => Promise.resolve(),
      (server) => server.kill('SIGSTOP'),
      (server) => server.kill('SIGKILL'),
    ];
    for (const act of prepare) {
      const server = await startMariaDb();
      const folder = dirname(server.socketPath);
      expect(await exists(folder)).toBe(true);
      await act(server);

      await server.stop();
      await server.stop();

      expect(processExists(server.pid)).toBe(false);
      expect(await exists(folder)).toBe(false);
      await expect(server.restart()).rejects.toThrow('no folder left');
    }
  });

  it('says why when it does not start, and leaves nothing behind', async () => {
    await using parent = createTemporaryFolder('poolwright-test');

    const start = startMariaDb({ parentFolder: parent.path, arguments: ['--no-such-option'] });

    await expect(start).rejects.toThrow(/ended with exit code.*unknown option '--no-such-option'/su);
    expect(await readdir(parent.path)).toEqual([]);
  });

  it('gives up on a server that does not greet in time', async () => {
    await expect(startMariaDb({ startTimeoutMs: 1 })).rejects.toThrow(/no greeting on .*mariadb\.sock after 1 ms/u);
  });

  it('takes the given port, and says so when it is taken', async () => {
    await using first = await startMariaDb();
    await expect(startMariaDb({ port: first.port })).rejects.toThrow('Address already in use');
  });

  it('finds a shorter place for its socket when its folder has a long name', async () => {
    await using parent = createTemporaryFolder('poolwright-test');
    const long = join(parent.path, 'x'.repeat(120));
    await mkdir(long);
    await using server = await startMariaDb({ parentFolder: long });

    expect(server.socketPath.length).toBeLessThan(104);
    expect(await answer({ socketPath: server.socketPath, user: server.user, password: server.password }, 'SELECT 1')).toBe(1);
    await server.stop();
    expect(await exists(dirname(server.socketPath))).toBe(false);
  });

  it('shows another certificate after its files were replaced and flushed', async () => {
    await using server = await startMariaDb();
    const ssl = { ca: server.caCertificate, verifyIdentity: true };
    const other = await server.authority.issue({ name: 'other', commonName: 'other.example', hosts: ['other.example'] });
    await copyFile(other.certificatePath, server.certificatePath);
    await copyFile(other.keyPath, server.keyPath);
    expect(await answer({ ...asUser(server), ssl }, 'SELECT 1')).toBe(1);

    await using admin = await createConnection(asAdmin(server));
    await admin.query('FLUSH SSL');

    await expect(answer({ ...asUser(server), ssl }, 'SELECT 1')).rejects.toThrow(/altnames|Hostname\/IP does not match/u);
  });

  it('starts several at once', async () => {
    await using first = await startMariaDb();
    const others = await Promise.all([startMariaDb(), startMariaDb(), startMariaDb()]);
    try {
      expect(new Set([first, ...others].map((server) => server.port)).size).toBe(4);
    } finally {
      await Promise.all(others.map((server) => server.stop()));
    }
  });
});

describe('a process that started a private MariaDB', () => {
  const endings: Record<string, (owner: ChildProcess) => void> = {
    'is killed by SIGKILL': (owner) => owner.kill('SIGKILL'),
    'is ended by SIGTERM': (owner) => owner.kill('SIGTERM'),
    exits: (owner) => owner.send('exit'),
    'throws an uncaught error': (owner) => owner.send('throw'),
  };

  it.each(Object.keys(endings))('takes the server and its folders along when it %s', async (ending) => {
    await using programs = createTemporaryFolder('poolwright-test');
    await using temporary = createTemporaryFolder('poolwright-test');
    const { owner, serverPid } = await startOwner(await buildOwner(programs.path), temporary.path);
    expect(processExists(serverPid)).toBe(true);
    expect((await readdir(temporary.path)).map((name) => name.replace(/-[^-]*$/u, '')).toSorted()).toEqual([
      'poolwright-mariadb',
      'poolwright-mariadb-template',
    ]);

    endings[ending]?.(owner);
    await once(owner, 'exit');

    await waitFor('the server to end', () => !processExists(serverPid));
    await waitFor('its folders to go', async () => (await readdir(temporary.path)).length === 0);
  });
});
