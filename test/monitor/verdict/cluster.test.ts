/** The verdict on a cluster in each state that it can be in. */

import { describe, expect, it } from 'vitest';
import { type JudgedNode, type JudgedTopology, type PoolVerdict, verdictOn } from '../../../src/monitor/verdict/index.js';
import { judgedPool, NOW, type Told } from '../support/judged-pool.js';

type Reads = JudgedTopology['reads'];

function node(name: string, told: Partial<JudgedNode> = {}): JudgedNode {
  return { name, role: 'reader', state: 'up', reason: null, lagMs: 0, since: NOW - 60_000, ...told };
}

const WRITER = node('a:3306', { role: 'writer' });
const LOST = { state: 'down', reason: 'it does not answer', since: NOW - 10_000 } as const;

function topology(nodes: readonly JudgedNode[], reads: Partial<Reads> = {}, more: Partial<JudgedTopology> = {}): JudgedTopology {
  return {
    nodes,
    writer: 'a:3306',
    ambiguous: [],
    withoutWriterMs: 0,
    reads: { consistency: 'bounded', maxLag: 1_000, fallback: 'writer', ...reads },
    ...more,
  };
}

const NO_WRITER = { writer: null, withoutWriterMs: 10_000 };
const FAILED: Told = { checks: { writer: ['fail', 'x'] } };
const BEHIND = node('b:3306', { lagMs: 12_000 });

const CASES: readonly (readonly [string, Told, JudgedTopology, PoolVerdict['status'], string, readonly string[]])[] = [
  [
    'well',
    {},
    topology([WRITER, node('b:3306'), node('c:3306')]),
    'healthy',
    'The pool is fine: every caller is served at once.',
    ['a:3306 takes writes; 2 of 2 replicas serve reads.'],
  ],
  [
    'of one server',
    {},
    topology([WRITER]),
    'healthy',
    'The pool is fine: every caller is served at once.',
    ['a:3306 takes writes; there is no replica.'],
  ],
  [
    'without a writer, with callers that wait',
    { ...FAILED, stats: { waiting: 12, longestWaitMs: 9_000 } },
    topology([node('a:3306', { role: 'writer', ...LOST }), node('b:3306')], {}, NO_WRITER),
    'unhealthy',
    'No server takes writes since 11:59:50; 12 callers wait.',
    ['The longest has been waiting for 9.0 s.', 'a:3306 is down since 11:59:50: it does not answer.'],
  ],
  [
    'without a writer, and no caller waits',
    FAILED,
    topology([node('a:3306')], {}, NO_WRITER),
    'unhealthy',
    'No server takes writes since 11:59:50.',
    [],
  ],
  [
    'without a writer, whose only replica does not serve reads',
    { checks: { writer: ['fail', 'x'], readers: ['warn', 'x'] } },
    topology(
      [node('a:3306', { ...LOST, role: 'writer' }), node('b:3306', { state: 'unfit', reason: 'its replication does not run' })],
      {},
      NO_WRITER,
    ),
    'unhealthy',
    'No server takes writes since 11:59:50.',
    ['Also: b:3306 is unfit; reads wait for a writer.'],
  ],
  [
    'with two writers',
    FAILED,
    topology([WRITER, node('b:3306', { role: 'writer' })], {}, { ...NO_WRITER, ambiguous: ['a:3306', 'b:3306'] }),
    'unhealthy',
    'Two servers take writes: a:3306, b:3306 since 11:59:50; writes are refused until one of them is read-only.',
    [],
  ],
  ['whose writer is back since its health was asked for', FAILED, topology([WRITER, node('b:3306')]), 'unhealthy', 'X.', []],
  [
    'whose only replica lags',
    { checks: { readers: ['warn', 'x'] } },
    topology([WRITER, BEHIND]),
    'degraded',
    'b:3306 lags by 12 s; reads go to the writer.',
    ['Up to 1.0 s of lag is allowed (maxLag).'],
  ],
  [
    'that refuses reads then',
    {},
    topology([WRITER, BEHIND], { fallback: 'refuse' }),
    'degraded',
    'b:3306 lags by 12 s; reads are refused.',
    [],
  ],
  [
    'of which another replica is current',
    {},
    topology([WRITER, BEHIND, node('c:3306')]),
    'degraded',
    'b:3306 lags by 12 s; reads go to c:3306.',
    [],
  ],
  [
    'whose session reads lag',
    {},
    topology([WRITER, BEHIND], { consistency: 'session' }),
    'degraded',
    'b:3306 lags by 12 s; a read after a write waits, or goes to the writer.',
    [],
  ],
  [
    'whose eventual reads lag',
    {},
    topology([WRITER, BEHIND], { consistency: 'eventual' }),
    'degraded',
    'b:3306 lags by 12 s; reads may be that old.',
    [],
  ],
  [
    'whose bounded reads need a lag that is not known',
    {},
    topology([WRITER, node('b:3306', { lagMs: null })]),
    'degraded',
    'b:3306 does not report its lag; reads go to the writer.',
    [],
  ],
  [
    'with lost replicas',
    {},
    topology([WRITER, node('b:3306', LOST), node('c:3306', { state: 'unfit', reason: 'its replication does not run' }), node('d:3306')]),
    'degraded',
    'b:3306 is down, c:3306 is unfit; reads go to d:3306.',
    ['b:3306 is down since 11:59:50: it does not answer.', 'c:3306 is unfit since 11:59:00: its replication does not run.'],
  ],
  [
    'with many lost replicas',
    {},
    topology([WRITER, ...Array.from({ length: 8 }, (_, index) => node(`r${index}`, LOST))]),
    'degraded',
    'r0 is down, r1 is down, r2 is down, r3 is down, r4 is down and 3 more; reads go to the writer.',
    [],
  ],
  [
    'whose pool is the bottleneck, which weighs more than a lag',
    { stats: { used: 10, waiting: 3, longestWaitMs: 2_000 }, checks: { waiting: ['warn', 'x'] } },
    topology([WRITER, BEHIND]),
    'degraded',
    'The pool is the bottleneck: all 10 connections are in use; 3 callers wait.',
    [],
  ],
];

describe('the verdict on a cluster', () => {
  it.each(CASES)('%s', (_, told, cluster, status, headline, details) => {
    // What the monitoring adds where others stand in for a replica.
    const checks: Told['checks'] = status === 'degraded' ? { readers: ['warn', 'x'], ...told.checks } : (told.checks ?? {});
    const verdict = verdictOn(judgedPool({ ...told, checks, topology: cluster }), { points: [], incidents: [] }, NOW);
    expect({ status: verdict.status, headline: verdict.headline }).toEqual({ status, headline });
    expect(verdict.details).toEqual(expect.arrayContaining([...details]));
  });
});
