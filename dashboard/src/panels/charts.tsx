/** The charts of a pool: connections, waits, rates and latency. */

import type { LivePoint } from '../../../src/monitor/points/index.js';
import { Chart } from '../chart.js';
import { amount, counted, duration } from '../format.js';
import { HeatMap } from '../heat-map.js';
import { type DurationName, type Frame, percentilesOf, queryRate, rateOf, totalOf } from '../series.js';

interface ChartsProps {
  readonly frame: Frame;
  readonly theme: string;
  readonly latency: DurationName;
  readonly onLatency: (name: DurationName) => void;
}

const LATENCIES: Readonly<Record<DurationName, string>> = {
  query: 'Query: the server’s answer',
  acquire: 'Acquire: from request to lease',
  use: 'Use: from lease to release',
  connect: 'Connect: opening a connection',
};

export function Charts({ frame: { from, to, shown, groups }, theme, latency, onLatency }: ChartsProps) {
  const times = shown.map(({ at }) => at);
  const groupTimes = groups.map((group) => group.at(-1)?.at ?? 0);
  const frame = { from, to, theme };
  const of = (read: (point: LivePoint) => number): number[] => shown.map(read);
  const perGroup = <T,>(read: (group: readonly LivePoint[]) => T): T[] => groups.map(read);
  const percentiles = perGroup((group) => percentilesOf(group, latency));
  const last = shown.at(-1);
  const failures = totalOf(shown, 'timedOut', 'refused', 'breakerRefused', 'queryErrors', 'connectErrors');
  return (
    <div className="charts">
      <Chart
        {...frame}
        title="Connections"
        summary={last === undefined ? 'No data yet.' : `${last.used} in use and ${last.idle} idle of at most ${last.limit}.`}
        times={times}
        stacked
        format={amount}
        curves={[
          { label: 'in use', colour: '--used', filled: true, values: of(({ used }) => used) },
          { label: 'checking', colour: '--checking', filled: true, values: of(({ checking }) => checking) },
          { label: 'idle', colour: '--idle', filled: true, values: of(({ idle }) => idle) },
          { label: 'opening', colour: '--opening', filled: true, values: of(({ opening }) => opening) },
          { label: 'closing', colour: '--closing', filled: true, values: of(({ closing }) => closing) },
          { label: 'limit', colour: '--limit', dashed: true, values: of(({ limit }) => limit) },
        ]}
      />
      <Chart
        {...frame}
        title="Waiting callers"
        summary={
          last === undefined
            ? 'No data yet.'
            : `${counted(last.waiting, 'caller waits', 'callers wait')}, the longest for ${duration(last.longestWaitMs)}.`
        }
        times={times}
        format={amount}
        curves={[{ label: 'waiting', colour: '--bad', filled: true, values: of(({ waiting }) => waiting) }]}
      />
      <Chart
        {...frame}
        title="Longest wait"
        summary={last === undefined ? 'No data yet.' : `The first waiting caller has been waiting for ${duration(last.longestWaitMs)}.`}
        times={times}
        format={duration}
        curves={[{ label: 'longest', colour: '--warning', filled: true, values: of(({ longestWaitMs }) => longestWaitMs) }]}
      />
      <Chart
        {...frame}
        title="Throughput per second"
        summary={`Lately ${amount(queryRate(groups.at(-1) ?? []))} statements a second.`}
        times={groupTimes}
        format={amount}
        curves={[
          { label: 'statements', colour: '--used', values: perGroup(queryRate) },
          { label: 'acquires', colour: '--opening', values: perGroup((group) => rateOf(group, 'acquired')) },
        ]}
      />
      <Chart
        {...frame}
        title="Failures per second"
        summary={`${counted(failures, 'failure', 'failures')} in the time shown.`}
        times={groupTimes}
        format={amount}
        curves={[
          { label: 'timed out or refused', colour: '--bad', values: perGroup((group) => rateOf(group, 'timedOut', 'refused')) },
          { label: 'by a breaker', colour: '--idle-line', values: perGroup((group) => rateOf(group, 'breakerRefused')) },
          { label: 'statement errors', colour: '--warning', values: perGroup((group) => rateOf(group, 'queryErrors')) },
          { label: 'connect errors', colour: '--opening', values: perGroup((group) => rateOf(group, 'connectErrors')) },
        ]}
      />
      <section className="latency" aria-label="Latency">
        <label>
          Latency of{' '}
          <select value={latency} onChange={(event) => onLatency(event.target.value as DurationName)}>
            {Object.entries(LATENCIES).map(([name, label]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <Chart
          {...frame}
          title="Percentiles"
          summary={`Lately, ${part('half', percentiles.at(-1)?.[0])}, ${part('99 %', percentiles.at(-1)?.[2])}.`}
          times={groupTimes}
          format={duration}
          logarithmic
          curves={[
            { label: 'p50', colour: '--idle-line', values: percentiles.map(([p50]) => finite(p50)) },
            { label: 'p90', colour: '--used', values: percentiles.map(([, p90]) => finite(p90)) },
            { label: 'p99', colour: '--bad', values: percentiles.map(([, , p99]) => finite(p99)) },
          ]}
        />
        <HeatMap {...frame} title="Distribution over time" points={shown} name={latency} />
      </section>
    </div>
  );
}

/** Where so many callers failed that the percentile is one of them, it has no place in the chart. */
function finite(ms: number | null | undefined): number | null {
  return ms == null || !Number.isFinite(ms) ? null : ms;
}

function part(share: string, ms: number | null | undefined): string {
  if (ms === Number.POSITIVE_INFINITY) return `fewer than ${share} had a connection`;
  return `${share} took up to ${duration(ms ?? 0)}`;
}
