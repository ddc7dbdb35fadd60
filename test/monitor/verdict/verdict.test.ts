/** The verdict on a pool in each state that it can be in. */

import { describe, expect, it } from 'vitest';
import { Breaker } from '../../../src/resilience/breaker/index.js';
import { percentilesOf } from '../../../src/monitor/points/index.js';
import { type Past, type PoolVerdict, verdictOn, withOutsideWarnings } from '../../../src/monitor/verdict/index.js';
import { judgedPool, NOW, pointsUntilNow, type Told } from '../support/judged-pool.js';

const LOST = { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:3306', agoMs: 1_200 };

function isolated(name: string, reason: string) {
  const breaker = new Breaker({ name });
  breaker.isolate(reason);
  return breaker.snapshot();
}

function opened(name: string, reason: string) {
  const breaker = new Breaker({ name });
  breaker.open(reason);
  return { ...breaker.snapshot(), inStateForMs: 5_000, nextProbeInMs: 1_500 };
}

function halfOpen(name: string) {
  return { ...new Breaker({ name }).snapshot(), state: 'half-open' as const, inStateForMs: 100, reason: 'it fell' };
}

const closed = (name: string) => new Breaker({ name }).snapshot();

const CASES: readonly (readonly [string, Told, PoolVerdict['status'], string, readonly (string | RegExp)[]])[] = [
  ['running well', {}, 'healthy', 'The pool is fine: every caller is served at once.', ['2 of 10 connections are in use, 3 are open.']],
  [
    'saturated, with callers that have waited for a long time',
    {
      checks: { waiting: ['warn', '3 callers wait'] },
      stats: { used: 10, waiting: 3, longestWaitMs: 2_000 },
      borrowed: [
        { id: 4, heldMs: 9_000, description: 'a', inTransaction: true, statement: 'UPDATE t SET a = ?', runningMs: 8_000 },
        { id: 5, heldMs: 800, description: 'b', inTransaction: true, statement: 'UPDATE t SET a = ?', runningMs: 700 },
        { id: 6, heldMs: 700, description: 'c', inTransaction: false },
      ],
    },
    'degraded',
    'The pool is the bottleneck: all 10 connections are in use; 3 callers wait.',
    ['The longest has been waiting for 2.0 s.', '2 of 3 borrowers: in a transaction, running UPDATE t SET a = ?; held for up to 9.0 s.'],
  ],
  [
    'saturated, with a caller that waits briefly',
    { stats: { used: 10, waiting: 1, longestWaitMs: 20 } },
    'healthy',
    'The pool is fine: 1 caller waits briefly.',
    ['10 of 10 connections are in use, 3 are open.'],
  ],
  [
    'all in use',
    { stats: { used: 10 } },
    'healthy',
    'The pool is fine: all 10 connections are in use, and no caller waits.',
    ['10 of 10 connections are in use, 3 are open.'],
  ],
  [
    'all in use for a long time',
    { checks: { utilization: ['warn', '10 of 10 connections are in use for long'] }, stats: { used: 10 } },
    'degraded',
    '10 of 10 connections are in use; no caller waits yet.',
    ['10 of 10 connections are in use for long.'],
  ],
  [
    'unreachable',
    { checks: { connections: ['fail', 'no connection can be opened'] }, stats: { used: 0, total: 0, waiting: 2, lastConnectError: LOST } },
    'unhealthy',
    'The database cannot be reached.',
    ['connect ECONNREFUSED 127.0.0.1:3306 (ECONNREFUSED), 1.2 s ago.', '2 callers wait.'],
  ],
  [
    'reached again since its health was asked for',
    { checks: { connections: ['fail', 'no connection can be opened'] } },
    'unhealthy',
    'The database cannot be reached.',
    [],
  ],
  [
    'suspended',
    { checks: { state: ['fail', 'the pool is suspended'] }, stats: { state: 'suspended', waiting: 4 } },
    'unhealthy',
    'The pool is suspended; it lends nothing.',
    [],
  ],
  [
    'draining',
    { checks: { state: ['fail', 'the pool is draining'] }, stats: { state: 'draining' } },
    'unhealthy',
    'The pool is draining; it lends nothing.',
    [],
  ],
  [
    'closed',
    { checks: { state: ['fail', 'the pool is closed'] }, stats: { state: 'closed' } },
    'unhealthy',
    'The pool is closed; it lends nothing.',
    [],
  ],
  [
    'resumed since its health was asked for',
    { checks: { state: ['fail', 'the pool is suspended'] } },
    'unhealthy',
    'The pool is suspended.',
    [],
  ],
  [
    'refusing, its breaker for connecting open and no connection left',
    { checks: { breakers: ['fail', 'x'] }, stats: { breakers: { connect: opened('connect', 'it fell'), statement: closed('statement') } } },
    'unhealthy',
    "Callers are refused at once: breaker 'connect' is open since 11:59:55.",
    ['It fell.', 'The next call is let through in 1.5 s.'],
  ],
  [
    'served by what is open while its breaker for connecting is isolated',
    {
      checks: { breakers: ['warn', "breaker 'connect' is isolated: upkeep"] },
      stats: { breakers: { connect: { ...isolated('connect', 'upkeep'), inStateForMs: 5_000 }, statement: closed('statement') } },
    },
    'degraded',
    "Open connections serve: breaker 'connect' is isolated since 11:59:55.",
    ['Upkeep.', 'It stays isolated until an operator closes it.'],
  ],
  [
    'probing: a breaker half-open and no connection left',
    {
      checks: { breakers: ['fail', "breaker 'connect' is half-open: it fell"] },
      stats: { breakers: { connect: halfOpen('connect'), statement: closed('statement') } },
    },
    'unhealthy',
    "Breaker 'connect' is half-open: it fell.",
    [],
  ],
  [
    'degraded, for two reasons',
    {
      checks: { utilization: ['warn', '9 of 10 connections are in use'], endpoint: ['warn', 'the server refused work'] },
      stats: { used: 9 },
    },
    'degraded',
    'The server refuses work.',
    ['The server refused work.', 'Also: 9 of 10 connections are in use; no caller waits yet.'],
  ],
  ['unhealthy by its statement', { checks: { query: ['fail', 'a query failed: x'] } }, 'unhealthy', 'A query failed: x.', []],
  [
    'failing most of its callers, with connections free',
    { checks: { callers: ['fail', '90 of 100 callers failed'] } },
    'unhealthy',
    'Most callers get no connection.',
    ['90 of 100 callers failed.'],
  ],
  [
    'leaking',
    {
      checks: { leaks: ['warn', '1 connections may be leaked'] },
      stats: { options: { leakDetectionThreshold: 1_000 } },
      borrowed: [
        { id: 7, heldMs: 61_000, quietMs: 5_000, leaked: true, description: 'a', inTransaction: false, place: 'orders/report.ts:42' },
        { id: 8, heldMs: 2_000, quietMs: 0, description: 'a', inTransaction: false, place: 'mail/send.ts:7' },
      ],
    },
    'degraded',
    '1 of 10 connections may be leaked since 11:59:55; borrowed at orders/report.ts:42.',
    [
      'Connection #7 has been held for 1 min 1 s: no statement for 5.0 s.',
      'No statement for 1.0 s counts as a leak (leakDetectionThreshold).',
    ],
  ],
  [
    'lending for a long time with leak detection off',
    { borrowed: [{ id: 7, heldMs: 61_000, description: 'a', inTransaction: false }] },
    'healthy',
    'The pool is fine: every caller is served at once.',
    ['2 of 10 connections are in use, 3 are open.'],
  ],
];

const NOTHING: Past = { points: [], incidents: [] };

describe('the verdict on a pool that is', () => {
  it.each(CASES)('%s', (_, told, status, headline, details) => {
    const verdict = verdictOn(judgedPool(told), NOTHING, NOW);
    expect(verdict).toMatchObject({
      status,
      headline,
      details: details.map((detail) => (typeof detail === 'string' ? detail : (expect.stringMatching(detail) as string))),
    });
  });
});

describe('of causes and consequences the verdict names the cause:', () => {
  const waiting = { used: 10, waiting: 9, longestWaitMs: 9_000 };
  const states = ['state', 'connections', 'breakers'] as const;

  it.each([
    [states, 'The pool is draining'],
    [states.slice(1), 'The database cannot be reached'],
    [states.slice(2), 'Callers are refused at once'],
    [[], 'The pool is the bottleneck'],
  ])('%j fail and callers wait', (failing, headline) => {
    const stats = {
      ...waiting,
      state: 'draining' as const,
      lastConnectError: LOST,
      breakers: { connect: closed('connect'), statement: isolated('statement', 'upkeep') },
    };
    const checks = Object.fromEntries(failing.map((name) => [name, ['fail', 'x'] as const]));
    const verdict = verdictOn(judgedPool({ stats, checks: { ...checks, waiting: ['warn', 'x'], callers: ['fail', 'x'] } }), NOTHING, NOW);
    expect(verdict.headline).toContain(headline);
    expect(verdict.details.filter((detail) => detail.startsWith('Also')).join('')).not.toMatch(/caller|bottleneck/);
  });

  it('leaks that hold half of the pool are why callers wait', () => {
    const borrowed = Array.from({ length: 10 }, (_, id) => ({ id, heldMs: 9_000, quietMs: 9_000, leaked: id < 6, description: 'a' }));
    const told: Told = { stats: waiting, checks: { waiting: ['warn', 'x'], leaks: ['warn', 'x'], callers: ['fail', 'x'] }, borrowed };
    expect(verdictOn(judgedPool(told), NOTHING, NOW)).toMatchObject({
      status: 'unhealthy',
      cause: 'leak',
      headline: '6 of 10 connections may be leaked since 11:59:51; 9 callers wait.',
    });
  });
});

describe('with the past of the pool, the verdict says', () => {
  it('how callers fared in the last minute, and what was before does not count', () => {
    const points = pointsUntilNow(200, (secondsAgo) =>
      secondsAgo < 60 ? { acquired: 100, acquire: [0, 99, 20, 1], query: [10, 5] } : { acquired: 9, acquire: [60, 9] },
    );
    expect(verdictOn(judgedPool(), { ...NOTHING, points }, NOW).details.at(-1)).toBe(
      'In the last minute, 99 % of callers had a connection within 0.01 ms, and 99 % of statements took up to 0.10 ms.',
    );
  });

  it('of callers of whom some failed, how many were served', () => {
    const points = pointsUntilNow(60, () => ({ acquired: 1, acquire: [0, 1], timedOut: 50, refused: 10, breakerRefused: 89 }));
    const verdict = verdictOn(judgedPool(), { ...NOTHING, points }, NOW);
    expect(verdict.details.at(-1)).toBe('In the last minute, 60 of 9 000 callers had a connection.');
    expect(verdict).toMatchObject({ failingPerSecond: 149 });
    expect(percentilesOf(points, 'acquire')).toEqual([Infinity, Infinity, Infinity]);
  });

  it('that no caller came', () => {
    const points = pointsUntilNow(3, () => ({}));
    expect(verdictOn(judgedPool(), { ...NOTHING, points }, NOW).details.at(-1)).toBe(
      'No caller has asked for a connection in the last minute.',
    );
  });
});

describe('what is wrong outside of a pool', () => {
  const health = {
    status: 'healthy',
    healthy: true,
    message: '2 of 10 connections are in use',
    checks: judgedPool().health.checks,
  } as const;

  it('makes it degraded, and never unhealthy', () => {
    const whole = withOutsideWarnings(health, 'breakers', ["breaker 'rates' is open: gone"]);
    expect(whole).toMatchObject({ status: 'degraded', healthy: false, message: "breaker 'rates' is open: gone" });
    expect(verdictOn({ ...judgedPool(), health: whole }, NOTHING, NOW)).toMatchObject({
      status: 'degraded',
      headline: "Breaker 'rates' is open: gone.",
    });
  });

  it('is said beside what is wrong inside', () => {
    const own = { ...health, ...judgedPool({ checks: { breakers: ['fail', 'inside'] } }).health, healthy: false, message: 'inside' };
    expect(withOutsideWarnings(own, 'breakers', ['outside'])).toMatchObject({ status: 'unhealthy', message: 'inside; outside' });
    expect(withOutsideWarnings(own, 'breakers', ['outside']).checks.at(-1)).toEqual({
      name: 'breakers',
      status: 'fail',
      message: 'inside; outside',
    });
  });

  it('changes nothing when there is nothing', () => {
    expect(withOutsideWarnings(health, 'breakers', [])).toBe(health);
  });
});
