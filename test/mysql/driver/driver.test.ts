import { EventEmitter } from 'node:events';
import { readFile } from 'node:fs/promises';
import mysql from 'mysql2';
import { describe, expect, it } from 'vitest';
import {
  awaitsResult,
  connectionConfig,
  createQuery,
  DriverCommand,
  DriverPool,
  DriverPoolCluster,
  DriverPoolConnection,
  DriverPromisePool,
  DriverPromisePoolCluster,
  DriverPromisePoolConnection,
  isQueryCommand,
  sslProfile,
} from '../../../src/mysql/driver/driver.js';
import { borrowByCallback, openPool } from '../../support/pool-on-database.js';
import { thisServer } from '../../support/sql-servers/this-server.js';

async function readJson(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8')) as Record<string, unknown>;
}

describe('the parts of mysql2 that we build on and that its typings do not promise', () => {
  it('are in the range of versions that the package asks for', async () => {
    const { version } = await readJson('../../../node_modules/mysql2/package.json');
    const { peerDependencies } = await readJson('../../../package.json');
    expect(peerDependencies).toMatchObject({ mysql2: '^3.20.0' });
    const [major, minor] = String(version).split('.').map(Number);
    expect([major, (minor ?? 0) >= 20]).toEqual([3, true]);
  });

  it('are exported at run time', () => {
    for (const part of [DriverPool, DriverPoolConnection, DriverPromisePool, DriverPromisePoolConnection, DriverCommand]) {
      expect(part).toBeTypeOf('function');
      expect(part.prototype).toBeInstanceOf(EventEmitter);
    }
    expect(mysql).toMatchObject({ Pool: DriverPool, PoolConnection: DriverPoolConnection, createQuery });
  });

  it('make clusters whose nodes can be set from outside', () => {
    const cluster = new DriverPoolCluster();
    expect(cluster).toMatchObject({ _lastId: 0, _nodes: {}, _serviceableNodeIds: [], _clearFindCaches: expect.any(Function) as unknown });
    expect(mysql).toMatchObject({ PoolCluster: DriverPoolCluster });
    expect(new DriverPromisePoolCluster(cluster)).toMatchObject({ poolCluster: cluster, Promise });
  });

  it('make queries that we recognise', () => {
    const command = createQuery('SELECT 1', undefined, undefined, {});
    expect([isQueryCommand(command), isQueryCommand({}), isQueryCommand('SELECT 1'), isQueryCommand(null)]).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(command).toBeInstanceOf(DriverCommand);
    expect(awaitsResult).toBeTypeOf('function');
  });

  it('make a configuration with every field that we read, from our options', () => {
    const config = connectionConfig({ host: 'db.example.com', user: 'app', password: 'secret', database: 'shop', ssl: { ca: 'x' } });
    expect(config).toMatchObject({
      host: 'db.example.com',
      port: 3306,
      user: 'app',
      password: 'secret',
      database: 'shop',
      ssl: { ca: 'x', rejectUnauthorized: true },
      trace: true,
      gracefulEnd: false,
      namedPlaceholders: false,
      charsetNumber: expect.any(Number),
    });
    expect(connectionConfig({}).ssl).toBe(false);
    expect(sslProfile('Amazon RDS')).not.toBe(sslProfile('Amazon RDS'));
    expect(() => sslProfile('nobody')).toThrow('Unknown SSL profile');
  });

  it('are there on a connection, as they are described', async () => {
    await using fixture = await openPool();
    const connection = await borrowByCallback(fixture.pool);
    try {
      expect(connection).toMatchObject({
        _fatalError: null,
        _protocolError: null,
        _released: false,
        _paused: false,
        _isMariaDB: thisServer().family === 'mariadb',
        _handshakePacket: { serverVersion: expect.stringContaining(thisServer().version) },
        threadId: expect.any(Number),
        stream: { destroyed: false },
        config: { charsetNumber: expect.any(Number) },
      });
      for (const method of ['addCommand', 'handlePacket', '_notifyError', '_addCommandClosedState', '_removeFromPool', '_realEnd']) {
        expect([method, typeof Reflect.get(Object.getPrototypeOf(Object.getPrototypeOf(connection)) as object, method)]).toEqual([
          method,
          'function',
        ]);
      }
      const commands = Reflect.get(connection, '_commands') as { length: number; get: unknown; unshift: unknown };
      expect([commands.length, typeof commands.get, typeof commands.unshift]).toEqual([0, 'function', 'function']);
    } finally {
      connection.release();
    }
  });

  it('reach the server as they always have: prepared statements, changes of user and resets are commands of their own', async () => {
    await using fixture = await openPool();
    const connection = await borrowByCallback(fixture.pool);
    const commands: Record<string, unknown>[] = [];
    const add = Reflect.get(connection, 'addCommand') as (command: object) => unknown;
    Reflect.set(connection, 'addCommand', (command: object) => {
      commands.push(command as Record<string, unknown>);
      return add.call(connection, command);
    });
    const promised = connection.promise();
    await promised.query('SELECT 1');
    await promised.execute('SELECT 2');
    await promised.changeUser({});
    await promised.reset();
    connection.destroy();
    const [query, prepare, execute] = commands;
    expect([query?.['sql'], prepare?.['sql'], prepare?.['query'], execute?.['sql']]).toEqual([
      'SELECT 1',
      undefined,
      'SELECT 2',
      'SELECT 2',
    ]);
    expect(commands.filter((command) => command['currentConfig'] === connection.config)).toHaveLength(1);
    expect(commands.filter((command) => command['resetConnectionResponse'] !== undefined)).toHaveLength(1);
  });
});
