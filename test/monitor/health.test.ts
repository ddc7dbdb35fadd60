import { describe, expect, it } from 'vitest';
import { createPool } from '../../src/mysql/create-pool.js';
import { HealthMonitor } from '../../src/mysql/observation/health.js';
import type { PoolOptions } from '../../src/mysql/options/table.js';
import { PoolFixture } from '../engine/support/pool-fixture.js';
import { createDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { startTcpProxy } from '../support/network/tcp-proxy.js';
import { waitFor } from '../support/wait-for.js';
import { procedures } from './support/call.js';
import { openPool, untilServed, whileHolding } from '../support/pool-on-database.js';
import { startServer } from '../support/sql-servers/this-server.js';

/** Without a healthy past: the pool connects when it is asked to, gives up soon, and does not retry long. */
const IMPATIENT: PoolOptions = { minIdle: 0, acquireTimeout: 300, connectTimeout: 1_000 };

function failing(name: string, status: 'warn' | 'fail', message: RegExp): object {
  return expect.objectContaining({ name, status, message: expect.stringMatching(message) as string }) as object;
}

describe('monitoring.connectionPoolHealth', () => {
  it('has exactly the fields that it promises', async () => {
    await using fixture = await openPool({ connectionLimit: 4, minIdle: 2 });
    await fixture.pool.ready();
    await whileHolding(fixture.pool, 1, async () => {
      const health = await procedures({ pools: fixture.pool }).connectionPoolHealth();
      expect(health).toEqual({
        healthy: true,
        status: 'healthy',
        activeConnections: 1,
        idleConnections: expect.any(Number) as number,
        waitingClients: 0,
        poolUtilization: 25,
        message: '1 of 4 connections are in use',
        poolType: 'application',
        checks: health.checks.map(({ name }) => ({ name, status: 'pass', message: expect.any(String) as string })),
        verdict: expect.objectContaining({ status: 'healthy', headline: 'The pool is fine: every caller is served at once.' }) as object,
      });
      expect(health.checks.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['state', 'connections', 'connect-errors', 'utilization', 'waiting']),
      );
    });
  });

  it('is unhealthy while the pool is suspended, draining or closed', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { pool } = fixture;
    const { connectionPoolHealth } = procedures({ pools: pool });

    pool.suspend();
    expect(await connectionPoolHealth()).toMatchObject({
      healthy: false,
      status: 'unhealthy',
      message: expect.stringMatching(/suspended/) as string,
    });
    pool.resume();
    expect(await connectionPoolHealth()).toMatchObject({ healthy: true, status: 'healthy' });

    const held = await pool.getConnection();
    const drained = pool.drain();
    const draining = await connectionPoolHealth();
    expect(draining).toMatchObject({ healthy: false, status: 'unhealthy', activeConnections: 1 });
    expect(draining.checks).toContainEqual(failing('state', 'fail', /draining/));
    held.release();
    await drained;
    expect(await connectionPoolHealth()).toMatchObject({ status: 'unhealthy', message: expect.stringMatching(/closed/) as string });
  });

  it('is unhealthy when no connection can be opened', async () => {
    await using pool = createPool({ host: '127.0.0.1', port: await freePort(), ...IMPATIENT });
    const { connectionPoolHealth } = procedures({ pools: pool });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: expect.stringMatching(/^POOL_/) as string });
    const health = await connectionPoolHealth();
    expect(health).toMatchObject({ healthy: false, status: 'unhealthy', activeConnections: 0, poolUtilization: 0 });
    expect(health.checks).toContainEqual(failing('connections', 'fail', /no connection can be opened.*ECONNREFUSED/));
    expect(health.message).toMatch(/no connection can be opened/);
  });

  it('is unhealthy when the password is wrong, and does not show it', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using pool = createPool(fixture.database.url({ password: 'sesame-of-nobody' }), { name: 'wrong', ...IMPATIENT });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'POOL_CONNECT_FAILED' });
    const health = await procedures({ pools: pool }).connectionPoolHealth();
    expect(health.checks).toContainEqual(failing('connections', 'fail', /Access denied/));
    expect(JSON.stringify(health)).not.toContain('sesame');
  });

  it('is degraded for a while after a connection failed to open, though others are open', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using proxy = await startTcpProxy({ port: fixture.database.port });
    const options = { ...IMPATIENT, connectionLimit: 2, health: { connectErrorFor: 250 } };
    await using pool = createPool(fixture.database.url({ port: proxy.port }), { name: 'proxied', ...options });
    const { connectionPoolHealth } = procedures({ pools: pool });

    await whileHolding(pool, 1, async () => {
      proxy.refuse();
      await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: expect.stringMatching(/^POOL_/) as string });
      const health = await connectionPoolHealth();
      expect(health).toMatchObject({ healthy: false, status: 'degraded' });
      expect(health.checks).toContainEqual(failing('connect-errors', 'warn', /failed to open .* ago/));
      expect(health.checks).toContainEqual(expect.objectContaining({ name: 'connections', status: 'pass' }));
      await proxy.accept();
    });
    await pool.query('SELECT 1');
    await waitFor('the failure to be forgotten', async () => (await connectionPoolHealth()).status === 'healthy');
  });

  it('is degraded when nearly all connections are in use for too long', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 10, health: { utilizationFor: 300 } });
    const { pool } = fixture;
    const { connectionPoolHealth } = procedures({ pools: pool });

    await whileHolding(pool, 9, async () => {
      expect(await connectionPoolHealth()).toMatchObject({ status: 'healthy', poolUtilization: 90 });
      const health = await waitFor('the use to have been high for 300 ms', connectionPoolHealth, ({ status }) => status !== 'healthy');
      expect(health).toMatchObject({ healthy: false, status: 'degraded', activeConnections: 9, poolUtilization: 90 });
      expect(health.checks).toContainEqual(failing('utilization', 'warn', /9 of 10 .*at least 90 % for/));
    });
    expect(await connectionPoolHealth()).toMatchObject({ status: 'healthy', poolUtilization: 0 });
  });

  it('is degraded after the server refused to write, as after a fail-over', async () => {
    await using server = await startServer();
    await using database = await createDatabase(server);
    await database.admin('CREATE TABLE t (id INT)');
    await using pool = createPool(database.url(), { name: 'read-only' });
    const { connectionPoolHealth } = procedures({ pools: pool });
    await pool.query('INSERT INTO t VALUES (1)');
    expect(await connectionPoolHealth()).toMatchObject({ status: 'healthy' });
    await database.admin('SET GLOBAL read_only = 1');
    await expect(pool.query('INSERT INTO t VALUES (2)')).rejects.toMatchObject({ errno: 1290 });
    const health = await connectionPoolHealth();
    expect(health).toMatchObject({ healthy: false, status: 'degraded' });
    expect(health.checks).toContainEqual(failing('endpoint', 'warn', /refused work/));
    await database.admin('SET GLOBAL read_only = 0');
  });

  it('by default needs 90 % for 30 s without a break', async () => {
    await using fixture = new PoolFixture({ connectionLimit: 10, minIdle: 0 });
    const { clock, pool } = fixture;
    const monitor = new HealthMonitor(
      pool,
      { utilization: 90, utilizationFor: 30_000, waiting: 50, waitPercent: 50, connectErrorFor: 30_000 },
      clock,
    );
    const opening = Array.from({ length: 9 }, () => fixture.acquire());
    await clock.advance(1_000);
    const [first, ...others] = await Promise.all(opening);

    await clock.advance(29_000);
    expect(await monitor.check()).toMatchObject({ status: 'healthy' });
    first?.release();
    await clock.advance(1_000);
    const again = await fixture.acquire();
    await clock.advance(29_500);
    expect(await monitor.check()).toMatchObject({ status: 'healthy' });
    await clock.advance(2_000);
    expect(await monitor.check()).toMatchObject({
      status: 'degraded',
      message: expect.stringMatching(/9 of 10.*at least 90 % for 3\d/) as string,
    });

    for (const lease of [again, ...others]) lease.release();
    await clock.settle();
    expect(await monitor.check()).toMatchObject({ status: 'healthy' });
    monitor.stop();
  });

  it('is degraded when 50 wait', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 2, acquireTimeout: 20_000 });
    const { pool } = fixture;
    const { connectionPoolHealth } = procedures({ pools: pool });
    const queries = await whileHolding(pool, 2, async () => {
      const waiting = Array.from({ length: 49 }, () => pool.query('SELECT 1'));
      expect(await connectionPoolHealth()).toMatchObject({ status: 'healthy', waitingClients: 49, poolUtilization: 100 });
      waiting.push(pool.query('SELECT 1'));
      const health = await connectionPoolHealth();
      expect(health).toMatchObject({ healthy: false, status: 'degraded', waitingClients: 50 });
      expect(health.checks).toContainEqual(failing('waiting', 'warn', /50 callers wait/));
      return { waiting };
    });
    await Promise.all(queries.waiting);
    expect(await connectionPoolHealth()).toMatchObject({ status: 'healthy', waitingClients: 0 });
  });

  it('is degraded when one has waited for half of the time-out', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 1, acquireTimeout: 1_000 });
    const { pool } = fixture;
    const { connectionPoolHealth } = procedures({ pools: pool });
    await whileHolding(pool, 1, async () => {
      const late = pool.query('SELECT 1').catch((error: unknown) => error);
      const health = await waitFor('a long wait', connectionPoolHealth, ({ status }) => status !== 'healthy');
      expect(health).toMatchObject({ status: 'degraded', waitingClients: 1 });
      expect(health.checks).toContainEqual(failing('waiting', 'warn', /longest for 0\.[5-9]/));
      expect(await late).toMatchObject({ code: 'POOL_ACQUIRE_TIMEOUT' });
    });
  });

  it('shows at most 100 % while a lowered limit is being worked off', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 4 });
    await whileHolding(fixture.pool, 4, async () => {
      fixture.pool.resize({ connectionLimit: 1 });
      expect(await procedures({ pools: fixture.pool }).connectionPoolHealth()).toMatchObject({
        activeConnections: 4,
        poolUtilization: 100,
      });
    });
  });

  it('runs a statement when it is asked to look deep', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    const { connectionPoolHealth } = procedures({ pools: fixture.pool });
    const before = fixture.pool.stats().query.count;
    const health = await connectionPoolHealth({ deep: true });
    expect(health).toMatchObject({ healthy: true, activeConnections: 0, poolUtilization: 0 });
    expect(health.checks.at(-1)).toEqual({
      name: 'query',
      status: 'pass',
      message: expect.stringMatching(/a query took \d+ ms/) as string,
    });
    expect(fixture.pool.stats().query.count).toBe(before + 1);
    expect((await connectionPoolHealth({ deep: false })).checks.map((check) => check.name)).not.toContain('query');
  });

  it('is unhealthy when the statement fails: the network is gone, and only a statement can show that', async () => {
    await using fixture = await openPool({ minIdle: 1 });
    await using proxy = await startTcpProxy({ port: fixture.database.port });
    const options = { ...IMPATIENT, validationTimeout: 200, keepaliveInterval: 0, health: { connectErrorFor: 0 } };
    await using pool = createPool(fixture.database.url({ port: proxy.port }), { name: 'black-hole', ...options });
    await untilServed(pool);
    proxy.pause();
    const { connectionPoolHealth } = procedures({ pools: pool });
    expect(await connectionPoolHealth()).toMatchObject({ healthy: true });
    const health = await connectionPoolHealth({ deep: true });
    expect(health).toMatchObject({ healthy: false, status: 'unhealthy' });
    expect(health.checks).toContainEqual(failing('query', 'fail', /a query failed/));
    proxy.reset();
  });

  it('runs one statement for all that ask deep at the same time', async () => {
    await using fixture = await openPool({ minIdle: 1, connectionLimit: 2 });
    await using other = await openPool({ minIdle: 1 });
    const { connectionPoolHealth } = procedures({ pools: [fixture.pool, other.pool] });
    const before = fixture.pool.stats();
    const answers = await Promise.all(Array.from({ length: 200 }, () => connectionPoolHealth({ deep: true })));
    const ofOther = connectionPoolHealth({ pool: other.pool.name, deep: true });
    expect(answers.every(({ healthy }) => healthy)).toBe(true);
    expect(fixture.pool.stats().query.count).toBe(before.query.count + 1);
    expect(fixture.pool.stats().acquires).toBe(before.acquires + 1);
    expect(await ofOther).toMatchObject({ healthy: true });
  });

  it('says that there is no pool when there is none', async () => {
    expect(await procedures({ pools: [] }).connectionPoolHealth()).toEqual({
      healthy: false,
      status: 'unhealthy',
      activeConnections: 0,
      idleConnections: 0,
      waitingClients: 0,
      poolUtilization: 0,
      message: 'there is no pool',
      poolType: 'application',
      checks: [],
      verdict: expect.objectContaining({ status: 'unhealthy', headline: 'There is no pool.' }) as object,
    });
  });
});
