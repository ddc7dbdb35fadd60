/** The command top: shows a running process's pools again and again. */

import { pause, performance } from '../../engine/waiting/index.js';
import type { FleetReport, PoolHealthReport, PoolStatsReport, TopologyReport } from '../../monitor/api/index.js';
import type { ShownFleet, ShownTopology } from '../../monitor/live/index.js';
import type { PoolVerdict } from '../../monitor/verdict/index.js';
import { type CommandSpec, defineCommand, EXIT, MonitoringAddress, type Terminal, UsageError } from '../console/index.js';
import { addressOptions } from './probe.js';
import { linesOfCluster } from './top-cluster.js';
import { lineOfFleet, linesOfFleet } from './top-fleet.js';
import { type Sort, sorted, SORTS, tableOf, type TableLine } from './top-table.js';
import { linesOfVerdict, olderVerdict } from './top-verdict.js';
import { histogramName, type Histograms, histogramsIn, percentileBetween } from './top-window.js';

type Stats = NonNullable<PoolStatsReport['stats']>;

/** What is shown of a pool at one moment. */
interface PoolLine extends TableLine {
  /** What the process itself says, as its dashboard does. */
  readonly verdict: PoolVerdict;
  readonly idle: number;
  readonly opening: number;
  /** Leases per second since the last reading; `null` at the first. */
  readonly acquiresPerSecond: number | null;
  readonly timedOut: number;
  readonly connectErrors: number;
  /** Null when it is no cluster. */
  readonly topology: ShownTopology | null;
  /** Null when it is in no fleet. */
  readonly fleet: ShownFleet | null;
}

export const top: CommandSpec = defineCommand({
  name: 'top',
  summary: "Shows a running process's pools and updates them each second, until Ctrl-C.",
  notes: [
    'If the address requires a token, set it in POOLWRIGHT_TOKEN. Rates and percentiles cover the time since the last update; the first update has none.',
    'A mark before a pool shows its status: ! is degraded, X cannot serve. FAIL/S counts callers that got no connection and statements that failed.',
    'The verdict on a pool is the same as in the dashboard. Times of day are in the time zone of the process.',
    'For a cluster, it shows the servers. > marks the writer. ! marks a server that is out, lags by more than reads.maxLag, or takes writes beside another one.',
    'With --fleet, it shows the fleets of the pools in 80 columns. > marks the pool itself. ! marks a lost member, or a fleet that needs attention.',
  ],
  operands: [],
  options: {
    ...addressOptions,
    fleet: { kind: 'flag', about: 'Show the budget, the members, and the leases of the fleets that the pools are in.' },
    sort: { kind: 'text', value: 'BY', default: 'severity', about: `What the pools are sorted by: ${SORTS.join(', ')}.` },
    interval: { kind: 'number', value: 'MS', min: 100, max: 600_000, default: 1_000, about: 'Time between two updates, in milliseconds.' },
    count: { kind: 'number', value: 'N', min: 1, max: 1_000_000, about: 'End after this many updates.' },
  },
  async run({ values, terminal, environment, stop }) {
    const by = sortOf(values.sort);
    const process = new MonitoringAddress(values.address, environment, values.timeout);
    let before: Reading | undefined;
    const told = new Map<string, string>();
    for (let round = 0; !stop.aborted && (values.count === undefined || round < values.count); round += 1) {
      if (round > 0) await pause(values.interval, { signals: [stop] });
      if (stop.aborted) break;
      const reading = await readPools(process);
      const lines = sorted(linesOf(reading, before), by);
      if (terminal.json) terminal.sayJson({ at: new Date().toISOString(), pools: lines });
      else if (terminal.isScreen) terminal.draw(screenOf(terminal, process.url, lines, values.fleet));
      else if (values.fleet) for (const line of fleetsOf(terminal, lines)) terminal.say(line);
      else for (const line of plainOf(terminal, lines, round === 0, told)) terminal.say(line);
      before = reading;
    }
    return EXIT.ok;
  },
});

/** @throws UsageError */
function sortOf(given: string): Sort {
  const found = SORTS.find((one) => one === given);
  if (found === undefined) throw new UsageError(`--sort must be one of ${SORTS.join(', ')}; given: '${given}'.`);
  return found;
}

interface PoolReading {
  readonly stats: Stats;
  readonly health: PoolHealthReport;
  readonly topology: ShownTopology | null;
  readonly fleet: ShownFleet | null;
}

/** All pools of a process at one moment. */
interface Reading {
  readonly atMs: number;
  readonly histograms: Histograms;
  readonly pools: readonly PoolReading[];
}

async function readPools(process: MonitoringAddress): Promise<Reading> {
  const { body } = await process.get('/readyz', [503]);
  const { pools } = JSON.parse(body) as { readonly pools: readonly { readonly pool?: string }[] };
  const readings = await Promise.all(pools.map(({ pool }) => readPool(process, pool === undefined ? undefined : { pool })));
  return { atMs: performance.now(), histograms: histogramsIn((await process.get('/metrics')).body), pools: readings.flat() };
}

/** Empty when the process has no pool any more. */
async function readPool(process: MonitoringAddress, which: { readonly pool: string } | undefined): Promise<PoolReading[]> {
  const [{ stats }, health, topology, fleet] = (await Promise.all([
    process.query('monitoring.connectionPoolStats', which),
    process.query('monitoring.connectionPoolHealth', which),
    // A process of an older version has no clusters and no fleets; what else is wrong, the others say.
    process.query('monitoring.topology', which).catch(() => undefined),
    process.query('monitoring.fleet', which).catch(() => undefined),
  ])) as [PoolStatsReport, PoolHealthReport, TopologyReport | undefined, FleetReport | undefined];
  return stats === null ? [] : [{ stats, health, topology: topology?.topology ?? null, fleet: fleet?.fleet ?? null }];
}

function linesOf({ atMs, histograms, pools }: Reading, before: Reading | undefined): PoolLine[] {
  return pools.map(({ stats, health, topology, fleet }) => {
    const last = before?.pools.find((pool) => pool.stats.name === stats.name)?.stats;
    const rate = (count: (of: Stats) => number): number | null => {
      if (last === undefined || before === undefined) return null;
      // Less than before: the process was restarted in between.
      return Math.max(0, Math.round(((count(stats) - count(last)) / (atMs - before.atMs)) * 1000));
    };
    const within = (which: 'acquire' | 'query', share: number): number | null => {
      const name = histogramName(which, stats.name);
      const estimate = percentileBetween(before?.histograms.get(name), histograms.get(name), share);
      // Nothing took longer than the longest, which is known exactly; the last buckets are wide.
      return estimate === null ? null : Math.min(estimate, stats[which].maxMs);
    };
    return {
      name: stats.name,
      status: health.status,
      verdict: health.verdict ?? olderVerdict(health),
      state: stats.state,
      limit: stats.limit,
      used: stats.used,
      idle: stats.idle,
      opening: stats.opening,
      waiting: stats.waiting,
      longestWaitMs: Math.round(stats.longestWaitMs),
      acquiresPerSecond: rate(({ acquired }) => acquired),
      queriesPerSecond: rate(({ query }) => query.count),
      failuresPerSecond: rate(({ timedOut, refused, queryErrors }) => timedOut + refused + queryErrors),
      acquireP99Ms: within('acquire', 0.99),
      queryP50Ms: within('query', 0.5),
      queryP99Ms: within('query', 0.99),
      timedOut: stats.timedOut,
      connectErrors: stats.connectErrors,
      topology,
      fleet,
    };
  });
}

/** What is said where there is no screen to draw on. A verdict is said when it has changed. */
function plainOf(terminal: Terminal, pools: readonly PoolLine[], isFirst: boolean, told: Map<string, string>): string[] {
  const verdicts = pools.flatMap(({ name, verdict }) => {
    const { status, cause } = verdict;
    const news = `${status} ${cause}`;
    const isKnown = told.get(name) === news || (status === 'healthy' && !told.has(name));
    told.set(name, news);
    return isKnown ? [] : linesOfVerdict(terminal, name, verdict);
  });
  return [...tableOf(terminal, pools, isFirst), ...verdicts, ...clustersOf(terminal, pools), ...fleetLinesOf(terminal, pools)];
}

function clustersOf(terminal: Terminal, pools: readonly PoolLine[]): string[] {
  return pools.flatMap(({ topology }) => (topology === null ? [] : linesOfCluster(terminal, topology)));
}

function fleetLinesOf(terminal: Terminal, pools: readonly PoolLine[]): string[] {
  return pools.flatMap(({ name, fleet }) => (fleet === null ? [] : [lineOfFleet(terminal, name, fleet)]));
}

function fleetsOf(terminal: Terminal, pools: readonly PoolLine[]): string[] {
  const lines = pools.flatMap(({ name, fleet }) => (fleet === null ? [] : linesOfFleet(terminal, name, fleet)));
  return lines.length === 0 ? ['no pool is in a fleet'] : lines;
}

const BAR = 32;

function screenOf(terminal: Terminal, url: string, pools: readonly PoolLine[], onlyFleets: boolean): string[] {
  const head = `poolwright top  ${url}  ${new Date().toLocaleTimeString()}  Ctrl-C ends`;
  if (onlyFleets) return [head, '', ...fleetsOf(terminal, pools)];
  const bars = pools.map(({ name, used, idle, limit }) => {
    const part = (count: number): number => Math.min(BAR, Math.round((count / limit) * BAR));
    const busy = part(used);
    const open = Math.min(BAR - busy, part(idle));
    return `${terminal.paint('red', '█'.repeat(busy))}${terminal.paint('green', '█'.repeat(open))}${'░'.repeat(BAR - busy - open)} ${used} of ${limit} in use  ${name}`;
  });
  const verdicts = pools.flatMap(({ name, verdict }) => linesOfVerdict(terminal, name, verdict));
  const clusters = [...clustersOf(terminal, pools), ...fleetLinesOf(terminal, pools)];
  const clustersWithSpace = clusters.length === 0 ? [] : [...clusters, ''];
  return [head, '', ...verdicts, '', ...tableOf(terminal, pools, true), '', ...clustersWithSpace, ...bars];
}
