import { type Connection, createConnection, createPool } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { createDatabase } from './database.js';
import { waitFor } from '../wait-for.js';
import { startServer } from '../sql-servers/this-server.js';

describe('a test database', () => {
  it('belongs to its user, who has no rights elsewhere', async () => {
    await using mine = await createDatabase();
    await using other = await createDatabase();
    await using connection = await createConnection(mine.url());

    await connection.query('CREATE TABLE t (id INT PRIMARY KEY)');
    const [rows] = await connection.query('SELECT DATABASE() AS name');
    expect(rows).toEqual([{ name: mine.database }]);
    await expect(connection.query(`USE ${other.database}`)).rejects.toMatchObject({ errno: 1044 });
    expect(await mine.admin('SHOW TABLES')).toHaveLength(1);
  });

  it('counts the connections of its own user', async () => {
    await using mine = await createDatabase();
    await using other = await createDatabase();
    const connections: Connection[] = [];
    for (let index = 0; index < 3; index += 1) connections.push(await createConnection(mine.connection));

    expect(await mine.serverConnections()).toBe(3);
    expect(await mine.serverConnections(other.user)).toBe(0);
    expect(await other.serverConnections()).toBe(0);
    expect((await mine.processlist())[0]).toMatchObject({ user: mine.user, db: mine.database, command: 'Sleep', info: null });

    await Promise.all(connections.map((connection) => connection.end()));
    await waitFor(
      'no connection',
      () => mine.serverConnections(),
      (count) => count === 0,
    );
  });

  it('kills connections one by one and all at once', async () => {
    await using database = await createDatabase();
    const connections = await Promise.all([1, 2, 3].map(() => createConnection(database.connection)));
    const losses = connections.map(
      (connection) =>
        new Promise((resolve) => {
          connection.on('error', resolve);
        }),
    );
    const first = connections[0]?.threadId ?? 0;

    await database.killConnections([first]);
    await losses[0];
    expect((await database.processlist()).map((row) => row.id)).not.toContain(first);
    await database.killConnections();
    await Promise.all(losses);
    await database.killConnections([first]);
    expect(await database.serverConnections()).toBe(0);
  });

  it('drops its database and user, even while they are used', async () => {
    await using watcher = await createDatabase();
    const database = await createDatabase();
    await using pool = createPool(database.connection);
    await pool.query('CREATE TABLE t (id INT)');
    const locking = await pool.getConnection();
    locking.on('error', () => undefined);
    await locking.query('LOCK TABLES t WRITE');

    await database[Symbol.asyncDispose]();

    expect(await watcher.admin('SHOW DATABASES LIKE ?', [database.database])).toEqual([]);
    expect(await watcher.admin('SELECT 1 FROM mysql.user WHERE User = ?', [database.user])).toEqual([]);
    expect(await watcher.serverConnections(database.user)).toBe(0);
  });

  it('may be on a server of the test itself, which may be gone in the end', async () => {
    await using server = await startServer();
    await using database = await createDatabase(server);
    await using connection = await createConnection(database.url());
    connection.on('error', () => undefined);
    expect(await database.serverConnections()).toBe(1);

    await server.kill('SIGKILL');
  });

  it('gives sessions of the administrator', async () => {
    await using database = await createDatabase();
    await using session = await database.connectAsAdmin();
    const [rows] = await session.query('SELECT CURRENT_USER() AS user, DATABASE() AS name');
    expect(rows).toEqual([{ user: 'root@%', name: database.database }]);
  });
});
