/** Pools to judge: one that is well, and what makes it otherwise. */

import type { Borrowed } from '../../../src/engine/index.js';
import type { CheckStatus, HealthCheck } from '../../../src/mysql/index.js';
import type { LivePoint } from '../../../src/monitor/points/index.js';
import { Breaker } from '../../../src/resilience/breaker/index.js';
import type { JudgedPool, JudgedTopology } from '../../../src/monitor/verdict/index.js';

export const NOW = new Date(2026, 0, 1, 12, 0, 0).getTime();

type CheckName = HealthCheck['name'];

export interface Told {
  readonly stats?: Partial<JudgedPool['stats']>;
  /** Checks that did not pass. */
  readonly checks?: Partial<Record<CheckName, readonly [CheckStatus, string]>>;
  readonly borrowed?: readonly Borrowed[];
  readonly topology?: JudgedTopology;
}

const CHECKS: readonly CheckName[] = [
  'writer',
  'readers',
  'state',
  'connections',
  'connect-errors',
  'endpoint',
  'fleet',
  'utilization',
  'waiting',
  'callers',
  'leaks',
  'query',
  'breakers',
];

const CLOSED = { connect: new Breaker({ name: 'connect' }).snapshot(), statement: new Breaker({ name: 'statement' }).snapshot() };

/** A pool of ten with two in use, except for what is given. */
export function judgedPool({ stats = {}, checks: told = {}, borrowed = [], topology }: Told = {}): JudgedPool {
  const checks = CHECKS.map((name): HealthCheck => {
    const [status, message] = told[name] ?? ['pass', 'well'];
    return { name, status, message };
  });
  const has = (wanted: CheckStatus): boolean => checks.some(({ status }) => status === wanted);
  return {
    health: { status: has('fail') ? 'unhealthy' : has('warn') ? 'degraded' : 'healthy', checks },
    stats: {
      state: 'running',
      limit: 10,
      used: 2,
      total: 3,
      waiting: 0,
      longestWaitMs: 0,
      lastConnectError: null,
      breakers: CLOSED,
      options: { leakDetectionThreshold: 0 },
      ...stats,
    },
    borrowed,
    leaked: borrowed.filter(({ leaked }) => leaked === true).length,
    topology: topology ?? null,
  };
}

/** A point each second until now, the oldest first; the function says how each is. */
export function pointsUntilNow(seconds: number, pointAt: (secondsAgo: number) => Partial<LivePoint>): LivePoint[] {
  return Array.from({ length: seconds }, (_, index): LivePoint => {
    const secondsAgo = seconds - 1 - index;
    return { ...BLANK, at: NOW - secondsAgo * 1_000, ...pointAt(secondsAgo) };
  });
}

export const BLANK: LivePoint = {
  at: 0,
  sinceMs: 1_000,
  limit: 10,
  idle: 1,
  used: 2,
  opening: 0,
  checking: 0,
  closing: 0,
  waiting: 0,
  longestWaitMs: 0,
  breakerRefused: 0,
  cache: null,
  acquired: 0,
  timedOut: 0,
  cancelled: 0,
  refused: 0,
  opened: 0,
  closed: 0,
  connectErrors: 0,
  queryErrors: 0,
  retries: 0,
  kills: 0,
  leaks: 0,
  acquire: [],
  use: [],
  connect: [],
  query: [],
};
