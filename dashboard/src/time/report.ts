/** A moment as text for a ticket, and what is shown as CSV. */

import type { LivePool, LiveSnapshot } from '../../../src/monitor/live/index.js';
import { type Holders, type Incident, type PoolVerdict, capitalised, wordsOnIncident } from '../../../src/monitor/verdict/index.js';
import { amount, clock, counted, duration } from '../format.js';
import {
  busiestOf,
  type DurationName,
  FAILED_CALLERS,
  FAILURES,
  type Frame,
  most,
  percentilesOf,
  queryRate,
  rateOf,
  secondsOf,
  totalOf,
} from '../series.js';
import { stamp, utc } from './stamp.js';
import { incidentsAt, indexAt } from '../timeline.js';

/** What a text on a moment is made of. */
export interface Told {
  readonly pool: LivePool;
  readonly process: LiveSnapshot['process'];
  readonly verdict: PoolVerdict;
  readonly incidents: readonly Incident[];
  readonly frame: Frame;
  readonly latency: DurationName;
  /** Milliseconds since 1970; undefined: now. */
  readonly moment: number | undefined;
  readonly now: number;
  /** The address that shows the same. */
  readonly link: string;
}

/** Times in UTC and in the reader's zone, the verdict in words, the figures, the holders, the last incident. */
export function textOf({ pool, process, verdict, incidents, frame, latency, moment, now, link }: Told): string {
  const at = moment ?? now;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const then = incidentsAt(incidents, at, now);
  const index = moment === undefined ? frame.times.length - 1 : indexAt(frame, moment);
  const [last] = incidents;
  const { endpoint } = pool.stats.options;
  return [
    `Pool ${pool.name} (${endpoint.socketPath ?? `${endpoint.host}:${endpoint.port}`}), process ${process.pid} on ${process.host}`,
    `Time: ${utc(at)} (${new Date(at).toLocaleDateString('en-CA')} ${clock(at)} ${zone})`,
    ...(moment === undefined
      ? [`Verdict: ${verdict.status}. ${verdict.headline}`, ...(verdict.advice === null ? [] : [`What to do: ${verdict.advice}`])]
      : [
          `Wrong then: ${then.length === 0 ? 'no incident' : then.map((one) => wordsOnIncident(one, now)).join('; ')}`,
          `Verdict at ${stamp(now, now)}: ${verdict.status}. ${verdict.headline}`,
        ]),
    `Figures: ${figuresAt(frame, index, latency)}`,
    ...holdersThen(moment === undefined ? verdict.holders : (then[0]?.holders ?? [])),
    `Last incident: ${last === undefined ? 'none in the last day' : `${capitalised(wordsOnIncident(last, now))} (${duration((last.end ?? now) - last.begin)})`}`,
    link,
  ].join('\n');
}

function figuresAt(frame: Frame, index: number | undefined, latency: DurationName): string {
  const group = index === undefined ? undefined : frame.groups[index];
  if (group === undefined) return 'nothing was kept of this moment';
  const { used, limit, idle } = busiestOf(group);
  const wait = most(group, ({ longestWaitMs }) => longestWaitMs);
  const [p50, p90, p99] = percentilesOf(group, latency).map((ms) => (ms === null ? '–' : Number.isFinite(ms) ? duration(ms) : 'failed'));
  return [
    `${used} of ${limit} connections in use, ${idle} idle`,
    `${counted(
      most(group, ({ waiting }) => waiting),
      'caller',
      'callers',
    )} waiting, the longest for ${duration(wait)}`,
    `${amount(queryRate(group))} statements a second`,
    `${amount(rateOf(group, ...FAILED_CALLERS))} callers failing a second`,
    `${latency} p50 ${p50}, p90 ${p90}, p99 ${p99}`,
  ].join('; ');
}

function holdersThen(holders: readonly Holders[]): readonly string[] {
  return holders.map(
    ({ place, work, count, heldMs, leaked }) =>
      `Held by: ${count} × ${place ?? 'a borrower'}, for up to ${duration(heldMs)}${leaked ? ', a leak' : ''}: ${work}`,
  );
}

/** A line for each place of the curves. Gauges are the worst of its time, counts are sums. */
export function csvOf({ groups }: Frame, latency: DurationName): string {
  const head = [
    'time',
    'seconds',
    'limit',
    'in_use',
    'idle',
    'checking',
    'opening',
    'closing',
    'waiting',
    'longest_wait_ms',
    'acquired',
    'statements_per_second',
    'timed_out',
    'refused',
    'refused_by_breaker',
    'statement_errors',
    'connect_errors',
    `${latency}_p50_ms`,
    `${latency}_p90_ms`,
    `${latency}_p99_ms`,
  ];
  const lines = groups.map((group) => {
    const { at, limit, used, idle, checking, opening, closing } = { ...busiestOf(group), at: (group.at(-1) as { at: number }).at };
    return [
      new Date(at).toISOString(),
      secondsOf(group),
      limit,
      used,
      idle,
      checking,
      opening,
      closing,
      most(group, ({ waiting }) => waiting),
      Math.round(most(group, ({ longestWaitMs }) => longestWaitMs)),
      totalOf(group, 'acquired'),
      queryRate(group).toFixed(2),
      ...FAILURES.map((name) => totalOf(group, name)),
      ...percentilesOf(group, latency).map((ms) => (ms === null || !Number.isFinite(ms) ? '' : ms)),
    ].join(',');
  });
  return `${[head.join(','), ...lines].join('\r\n')}\r\n`;
}
