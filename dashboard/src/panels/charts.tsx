/** The charts of a pool: connections, waits, rates and latency. */

import { memo } from 'react';
import { Chart, type Curve } from '../chart.js';
import { amount, counted, duration } from '../format.js';
import { HeatMap } from '../heat-map.js';
import { busiestOf, type DurationName, FAILURES, most, percentilesOf, queryRate, rateOf, totalOf } from '../series.js';
import type { LivePoint } from '../../../src/monitor/points/index.js';
import { useTimeline } from '../timeline.js';
import { COUNT, MILLISECONDS, PER_SECOND, type Unit } from '../units.js';

interface ChartsProps {
  readonly latency: DurationName;
  readonly go: (change: { readonly latency: DurationName }) => void;
}

const LATENCIES: Readonly<Record<DurationName, string>> = {
  query: 'Query: the server’s answer',
  acquire: 'Acquire: from request to lease',
  use: 'Use: from lease to release',
  connect: 'Connect: opening a connection',
};

/** A chart that is worth its place only while there is something in it. */
interface Trouble {
  readonly title: string;
  readonly summary: string;
  /** What is said instead of an empty chart. */
  readonly quiet: string;
  readonly unit: Unit;
  readonly curves: readonly Curve[];
}

/** Drawn when the time shown has changed, and not with each change of the page. */
export const Charts = memo(function Charts({ latency, go }: ChartsProps) {
  const {
    frame: { shown, groups },
  } = useTimeline();
  const per = <T,>(read: (group: readonly LivePoint[]) => T): T[] => groups.map(read);
  const busiest = per(busiestOf);
  const percentiles = per((group) => percentilesOf(group, latency));
  const last = shown.at(-1);
  const troubles = troublesOf(groups, shown);
  const loud = troubles.filter(({ curves }) => !isQuiet(curves));
  const quiet = troubles.filter(({ curves }) => isQuiet(curves));
  const isMeasured = percentiles.some(([p50]) => p50 != null);
  return (
    <div className="charts">
      <Chart
        title="Connections"
        summary={last === undefined ? 'No data yet.' : `${last.used} in use and ${last.idle} idle of at most ${last.limit}.`}
        stacked
        unit={COUNT}
        curves={[
          { label: 'in use', colour: '--used', filled: true, values: busiest.map(({ used }) => used) },
          { label: 'checking', colour: '--checking', filled: true, values: busiest.map(({ checking }) => checking) },
          { label: 'idle', colour: '--idle', filled: true, values: busiest.map(({ idle }) => idle) },
          { label: 'opening', colour: '--opening', filled: true, values: busiest.map(({ opening }) => opening) },
          { label: 'closing', colour: '--closing', filled: true, values: busiest.map(({ closing }) => closing) },
          { label: 'limit', colour: '--limit', dashed: true, values: busiest.map(({ limit }) => limit) },
        ]}
      />
      <Chart
        title="Throughput per second"
        summary={`Now ${amount(queryRate(groups.at(-1) ?? []))} statements a second.`}
        unit={PER_SECOND}
        curves={[
          { label: 'statements', colour: '--used', values: per(queryRate) },
          { label: 'acquires', colour: '--opening', values: per((group) => rateOf(group, 'acquired')) },
        ]}
      />
      {loud.length === 0 ? null : (
        <div className="troubles">
          {loud.map(({ title, summary, unit, curves }) => (
            <Chart key={title} title={title} summary={summary} unit={unit} curves={curves} />
          ))}
        </div>
      )}
      {quiet.length === 0 ? null : <p className="quiet-charts">In the time shown: {quiet.map((one) => one.quiet).join(', ')}.</p>}
      <section className="latency" aria-label="Latency">
        <label>
          Latency of{' '}
          <select value={latency} onChange={(event) => go({ latency: event.target.value as DurationName })}>
            {Object.entries(LATENCIES).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        {isMeasured ? (
          <>
            <Chart
              title="Percentiles"
              summary={`Now, ${part('half', percentiles.at(-1)?.[0])}, ${part('99 %', percentiles.at(-1)?.[2])}.`}
              unit={MILLISECONDS}
              logarithmic
              curves={[
                { label: 'p50', colour: '--idle-line', values: percentiles.map(([p50]) => finite(p50)) },
                { label: 'p90', colour: '--used', values: percentiles.map(([, p90]) => finite(p90)) },
                { label: 'p99', colour: '--bad', values: percentiles.map(([, , p99]) => finite(p99)) },
              ]}
            />
            <HeatMap title="Distribution over time" name={latency} />
          </>
        ) : (
          <p className="empty">Nothing was measured in the time shown.</p>
        )}
      </section>
    </div>
  );
});

function troublesOf(groups: readonly (readonly LivePoint[])[], shown: readonly LivePoint[]): readonly Trouble[] {
  const last = shown.at(-1);
  const failures = totalOf(shown, ...FAILURES);
  const rate = (...counters: (typeof FAILURES)[number][]): number[] => groups.map((group) => rateOf(group, ...counters));
  return [
    {
      title: 'Waiting callers',
      summary: `${counted(last?.waiting ?? 0, 'caller waits', 'callers wait')}, the longest for ${duration(last?.longestWaitMs ?? 0)}.`,
      quiet: 'no caller waited',
      unit: COUNT,
      curves: [{ label: 'waiting', colour: '--bad', filled: true, values: groups.map((group) => most(group, ({ waiting }) => waiting)) }],
    },
    {
      title: 'Longest wait',
      summary: `The first waiting caller has been waiting for ${duration(last?.longestWaitMs ?? 0)}.`,
      quiet: 'no wait to measure',
      unit: MILLISECONDS,
      curves: [
        {
          label: 'longest',
          colour: '--warning',
          filled: true,
          values: groups.map((group) => most(group, ({ longestWaitMs }) => longestWaitMs)),
        },
      ],
    },
    {
      title: 'Failures per second',
      summary: `${counted(failures, 'failure', 'failures')} in the time shown.`,
      quiet: 'no failures',
      unit: PER_SECOND,
      curves: [
        { label: 'timed out or refused', colour: '--bad', values: rate('timedOut', 'refused') },
        { label: 'by a breaker', colour: '--idle-line', values: rate('breakerRefused') },
        { label: 'statement errors', colour: '--warning', values: rate('queryErrors') },
        { label: 'connect errors', colour: '--opening', values: rate('connectErrors') },
      ],
    },
  ];
}

function isQuiet(curves: readonly Curve[]): boolean {
  return curves.every(({ values }) => values.every((value) => value === null || value === 0));
}

/** Where so many callers failed that the percentile is one of them, it has no place in the chart. */
function finite(ms: number | null | undefined): number | null {
  return ms == null || !Number.isFinite(ms) ? null : ms;
}

function part(share: string, ms: number | null | undefined): string {
  if (ms === Number.POSITIVE_INFINITY) return `fewer than ${share} had a connection`;
  return `${share} took up to ${duration(ms ?? 0)}`;
}
