/** The verdict on a pool in each state that it can be in. */

import { describe, expect, it } from 'vitest';
import { Breaker } from '../../../src/resilience/breaker/index.js';
import { type PoolVerdict, verdictOn, withOutsideWarnings } from '../../../src/monitor/verdict/index.js';
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

const CASES: readonly (readonly [string, Told, PoolVerdict['level'], string, readonly (string | RegExp)[]])[] = [
  ['running well', {}, 'good', 'The pool is fine: every caller is served at once.', ['2 of 10 connections are in use, 3 are open.']],
  [
    'saturated, with callers that have waited for long',
    {
      stats: { used: 10, waiting: 3, longestWaitMs: 2_000 },
      borrowed: [
        { id: 4, heldMs: 9_000, description: 'a', inTransaction: true, statement: 'UPDATE t SET a = ?', runningMs: 8_000 },
        { id: 5, heldMs: 800, description: 'b', inTransaction: true, statement: 'UPDATE t SET a = ?', runningMs: 700 },
        { id: 6, heldMs: 700, description: 'c', inTransaction: false },
      ],
    },
    'bad',
    'The pool is the bottleneck: all 10 connections are in use, 3 callers wait.',
    ['The longest has been waiting for 2.0 s.', '2 of 3 borrowers: in a transaction, running UPDATE t SET a = ?; held for up to 9.0 s.'],
  ],
  [
    'saturated, with a caller that waits briefly',
    { stats: { used: 10, waiting: 1, longestWaitMs: 20 } },
    'warning',
    'All 10 connections are in use; callers wait briefly.',
    [],
  ],
  ['all in use', { stats: { used: 10 } }, 'warning', 'All 10 connections are in use; no caller waits yet.', []],
  ['waiting while connections are opened', { stats: { waiting: 1 } }, 'warning', '1 caller waits while connections are opened.', []],
  [
    'unreachable',
    { checks: { connections: ['fail', 'no connection can be opened'] }, stats: { used: 0, total: 0, waiting: 2, lastConnectError: LOST } },
    'bad',
    'The database cannot be reached.',
    ['connect ECONNREFUSED 127.0.0.1:3306 (ECONNREFUSED), 1.2 s ago.', '2 callers wait.'],
  ],
  [
    'reached again since its health was asked for',
    { checks: { connections: ['fail', 'no connection can be opened'] } },
    'bad',
    'The database cannot be reached.',
    [],
  ],
  [
    'suspended',
    { checks: { state: ['fail', 'the pool is suspended'] }, stats: { state: 'suspended', waiting: 4 } },
    'bad',
    'The pool is suspended: it lends nothing.',
    ['Resume it manually, or in the code that suspended it.'],
  ],
  [
    'draining',
    { checks: { state: ['fail', 'the pool is draining'] }, stats: { state: 'draining' } },
    'bad',
    'The pool is draining: it lends nothing.',
    [],
  ],
  [
    'closed',
    { checks: { state: ['fail', 'the pool is closed'] }, stats: { state: 'closed' } },
    'bad',
    'The pool is closed: it lends nothing.',
    [],
  ],
  [
    'resumed since its health was asked for',
    { checks: { state: ['fail', 'the pool is suspended'] } },
    'bad',
    'The pool is unhealthy.',
    ['The pool is suspended.'],
  ],
  [
    'refusing, its breaker for statements isolated',
    {
      checks: { breakers: ['fail', 'x'] },
      stats: { breakers: { connect: closed('connect'), statement: isolated('statement', 'upkeep') } },
    },
    'bad',
    "Callers are refused at once: breaker 'statement' is isolated.",
    ['Upkeep.', /^It has been so since \d\d:\d\d:\d\d\.$/, 'It stays so until it is closed manually.'],
  ],
  [
    'refusing, its breaker for connecting open and no connection left',
    { checks: { breakers: ['fail', 'x'] }, stats: { breakers: { connect: opened('connect', 'it fell'), statement: closed('statement') } } },
    'bad',
    "Callers are refused at once: breaker 'connect' is open.",
    ['It fell.', 'It has been so since 11:59:55.', 'The next call is let through in 1.5 s.'],
  ],
  [
    'served by what is open while its breaker for connecting is isolated',
    {
      checks: { breakers: ['warn', "breaker 'connect' is isolated: upkeep"] },
      stats: { breakers: { connect: isolated('connect', 'upkeep'), statement: closed('statement') } },
    },
    'warning',
    'The pool is degraded.',
    ["Breaker 'connect' is isolated: upkeep."],
  ],
  [
    'probing: a breaker half-open and no connection left',
    {
      checks: { breakers: ['fail', "breaker 'connect' is half-open: it fell"] },
      stats: { breakers: { connect: halfOpen('connect'), statement: closed('statement') } },
    },
    'bad',
    'The pool is unhealthy.',
    ["Breaker 'connect' is half-open: it fell."],
  ],
  [
    'degraded, for two reasons',
    { checks: { utilization: ['warn', '9 of 10 connections are in use'], endpoint: ['warn', 'the server refused work'] } },
    'warning',
    'The pool is degraded.',
    ['The server refused work.', '9 of 10 connections are in use.'],
  ],
  ['unhealthy', { checks: { query: ['fail', 'x'], waiting: ['fail', 'too long'] } }, 'bad', 'The pool is unhealthy.', ['Too long.']],
  [
    'leaking',
    {
      stats: { options: { leakDetectionThreshold: 1_000 } },
      borrowed: [{ id: 7, heldMs: 61_000, description: 'a', inTransaction: false }],
    },
    'warning',
    'Connection #7 may be leaked: it has been held for 1 min 1 s.',
    ['More than leakDetectionThreshold (1.0 s): no statement running, yet not released. The list of borrowers says where it was borrowed.'],
  ],
  [
    'lending for long with leak detection off',
    { borrowed: [{ id: 7, heldMs: 61_000, description: 'a', inTransaction: false }] },
    'good',
    'The pool is fine: every caller is served at once.',
    ['2 of 10 connections are in use, 3 are open.'],
  ],
];

describe('the verdict on a pool that is', () => {
  it.each(CASES)('%s', (_, told, level, headline, details) => {
    const verdict = verdictOn(judgedPool(told), [], NOW);
    expect(verdict).toEqual({
      level,
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
    expect(verdictOn(judgedPool({ stats, checks }), [], NOW).headline).toContain(headline);
  });
});

describe('with the past of the pool, the verdict says', () => {
  it('since when callers wait, and that one who waits briefly is one of many', () => {
    const points = pointsUntilNow(120, (secondsAgo) => ({ waiting: secondsAgo < 30 ? 1 : 0 }));
    const verdict = verdictOn(judgedPool({ stats: { used: 10, waiting: 1, longestWaitMs: 5 } }), points, NOW);
    expect(verdict).toMatchObject({ level: 'bad', headline: expect.stringContaining('the bottleneck') as string });
    expect(verdict.details).toContain('It has been so since 11:59:31.');
  });

  it('that it has been so for longer than the past that is known', () => {
    const points = pointsUntilNow(60, () => ({ used: 10 }));
    expect(verdictOn(judgedPool({ stats: { used: 10 } }), points, NOW).details).toEqual([
      'It has been so for longer than the charts go back (11:59:01).',
    ]);
  });

  it('how callers fared in the last minute, and what was before does not count', () => {
    const points = pointsUntilNow(200, (secondsAgo) =>
      secondsAgo <= 60 ? { acquire: [0, 99, 20, 1], query: [10, 5] } : { acquire: [60, 9] },
    );
    expect(verdictOn(judgedPool(), points, NOW).details.at(-1)).toBe(
      'In the last minute, 99 % of callers had a connection within 0.01 ms, and 99 % of statements took up to 0.10 ms.',
    );
  });

  it('that no caller came', () => {
    expect(
      verdictOn(
        judgedPool(),
        pointsUntilNow(3, () => ({})),
        NOW,
      ).details.at(-1),
    ).toBe('No caller has asked for a connection in the last minute.');
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
    const whole = withOutsideWarnings(health, ["breaker 'rates' is open: gone"]);
    expect(whole).toMatchObject({ status: 'degraded', healthy: false, message: "breaker 'rates' is open: gone" });
    expect(verdictOn({ ...judgedPool(), health: whole }, [], NOW)).toMatchObject({
      level: 'warning',
      headline: 'The pool is degraded.',
      details: ["Breaker 'rates' is open: gone."],
    });
  });

  it('is said beside what is wrong inside', () => {
    const own = { ...health, ...judgedPool({ checks: { breakers: ['fail', 'inside'] } }).health, healthy: false, message: 'inside' };
    expect(withOutsideWarnings(own, ['outside'])).toMatchObject({ status: 'unhealthy', message: 'inside; outside' });
    expect(withOutsideWarnings(own, ['outside']).checks.at(-1)).toEqual({ name: 'breakers', status: 'fail', message: 'inside; outside' });
  });

  it('changes nothing when there is nothing', () => {
    expect(withOutsideWarnings(health, [])).toBe(health);
  });
});
