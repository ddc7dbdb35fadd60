/** The command top: shows a running process's pools again and again. */

import { pause, performance } from '../../engine/waiting/index.js';
import type { FleetReport, PoolHealthReport, PoolStatsReport, TopologyReport } from '../../monitor/api/index.js';
import type { ShownFleet, ShownTopology } from '../../monitor/live/index.js';
import type { PoolVerdict } from '../../monitor/verdict/index.js';
import { type CommandSpec, defineCommand, EXIT, MonitoringAddress, shown, type Terminal } from '../console/index.js';
import { addressOptions } from './probe.js';
import { linesOfCluster } from './top-cluster.js';
import { lineOfFleet, linesOfFleet } from './top-fleet.js';
import { coloured, linesOfVerdict, olderVerdict } from './top-verdict.js';

type Stats = NonNullable<PoolStatsReport['stats']>;

/** What is shown of a pool at one moment. */
interface PoolLine {
  readonly name: string;
  /** What the process itself says, as its dashboard does. */
  readonly verdict: PoolVerdict;
  readonly state: string;
  readonly limit: number;
  readonly used: number;
  readonly idle: number;
  readonly opening: number;
  readonly waiting: number;
  readonly longestWaitMs: number;
  /** Leases and statements per second since the last reading; `null` at the first. */
  readonly acquiresPerSecond: number | null;
  readonly queriesPerSecond: number | null;
  readonly acquireP99Ms: number;
  readonly queryP50Ms: number;
  readonly queryP99Ms: number;
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
    'If the address requires a token, set it in POOLWRIGHT_TOKEN. Percentiles cover the time since the process started.',
    'The verdict on a pool is the one of the dashboard. Times of day are in the time zone of the process.',
    'For a cluster, it shows the servers. > takes the writes; ! is out, lags by more than reads.maxLag, or takes writes beside another server.',
    'With --fleet, it shows the fleets of the pools in 80 columns. > is the pool itself; ! is lost, or marks a fleet that needs a look.',
  ],
  operands: [],
  options: {
    ...addressOptions,
    fleet: { kind: 'flag', about: 'Show the budget, the members, and the leases of the fleets that the pools are in.' },
    interval: { kind: 'number', value: 'MS', min: 100, max: 600_000, default: 1_000, about: 'Time between two updates, in milliseconds.' },
    count: { kind: 'number', value: 'N', min: 1, max: 1_000_000, about: 'End after this many updates.' },
  },
  async run({ values, terminal, environment, stop }) {
    const process = new MonitoringAddress(values.address, environment, values.timeout);
    let before: Reading | undefined;
    const told = new Map<string, string>();
    for (let round = 0; !stop.aborted && (values.count === undefined || round < values.count); round += 1) {
      if (round > 0) await pause(values.interval, { signals: [stop] });
      if (stop.aborted) break;
      const reading = await readPools(process);
      const lines = linesOf(reading, before);
      if (terminal.json) terminal.sayJson({ at: new Date().toISOString(), pools: lines });
      else if (terminal.isScreen) terminal.draw(screenOf(terminal, process.url, lines, values.fleet));
      else if (values.fleet) for (const line of fleetsOf(terminal, lines)) terminal.say(line);
      else for (const line of plainOf(terminal, lines, round === 0, told)) terminal.say(line);
      before = reading;
    }
    return EXIT.ok;
  },
});

interface PoolReading {
  readonly stats: Stats;
  readonly health: PoolHealthReport;
  readonly topology: ShownTopology | null;
  readonly fleet: ShownFleet | null;
}

/** All pools of a process at one moment. */
interface Reading {
  readonly atMs: number;
  readonly pools: readonly PoolReading[];
}

async function readPools(process: MonitoringAddress): Promise<Reading> {
  const { body } = await process.get('/readyz', [503]);
  const { pools } = JSON.parse(body) as { readonly pools: readonly { readonly pool?: string }[] };
  const readings = await Promise.all(pools.map(({ pool }) => readPool(process, pool === undefined ? undefined : { pool })));
  return { atMs: performance.now(), pools: readings.flat() };
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

function linesOf({ atMs, pools }: Reading, before: Reading | undefined): PoolLine[] {
  return pools.map(({ stats, health, topology, fleet }) => {
    const last = before?.pools.find((pool) => pool.stats.name === stats.name)?.stats;
    const rate = (count: (of: Stats) => number): number | null => {
      if (last === undefined || before === undefined) return null;
      // Less than before: the process was restarted in between.
      return Math.max(0, Math.round(((count(stats) - count(last)) / (atMs - before.atMs)) * 1000));
    };
    return {
      name: stats.name,
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
      acquireP99Ms: stats.acquire.p99Ms,
      queryP50Ms: stats.query.p50Ms,
      queryP99Ms: stats.query.p99Ms,
      timedOut: stats.timedOut,
      connectErrors: stats.connectErrors,
      topology,
      fleet,
    };
  });
}

const COLUMNS: readonly (readonly [string, number, (line: PoolLine) => string])[] = [
  ['STATE', 10, ({ state }) => state],
  ['USED', 6, ({ used }) => String(used)],
  ['IDLE', 6, ({ idle }) => String(idle)],
  ['OPEN', 6, ({ opening }) => String(opening)],
  ['LIMIT', 7, ({ limit }) => String(limit)],
  ['WAIT', 6, ({ waiting }) => String(waiting)],
  ['LONGEST', 10, ({ longestWaitMs }) => shown(longestWaitMs)],
  ['LEASES/S', 10, ({ acquiresPerSecond }) => String(acquiresPerSecond ?? '-')],
  ['QUERIES/S', 11, ({ queriesPerSecond }) => String(queriesPerSecond ?? '-')],
  ['ACQ P99', 10, ({ acquireP99Ms }) => shown(acquireP99Ms)],
  ['QRY P50', 10, ({ queryP50Ms }) => shown(queryP50Ms)],
  ['QRY P99', 10, ({ queryP99Ms }) => shown(queryP99Ms)],
  ['TIMEOUTS', 10, ({ timedOut }) => String(timedOut)],
  ['CONN ERR', 10, ({ connectErrors }) => String(connectErrors)],
];

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

function tableOf(terminal: Terminal, pools: readonly PoolLine[], withHead: boolean): string[] {
  const width = Math.max(4, ...pools.map(({ name }) => name.length)) + 2;
  const head = `${'POOL'.padEnd(width)}${COLUMNS.map(([title, columns]) => title.padStart(columns)).join('')}`;
  const lines = pools.map((pool) => {
    const text = `${pool.name.padEnd(width)}${COLUMNS.map(([, columns, value]) => value(pool).padStart(columns)).join('')}`;
    return coloured(terminal, pool.verdict, text);
  });
  if (pools.length === 0) return ['there is no pool'];
  return withHead ? [terminal.paint('bold', head), ...lines] : lines;
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

const BAR = 40;

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
