/** The command top: shows a running process's pools again and again. */

import { pause, performance } from '../../engine/waiting/index.js';
import type { PoolHealthReport, PoolStatsReport, TopologyReport } from '../../monitor/api/index.js';
import type { ShownTopology } from '../../monitor/live/index.js';
import { type PoolVerdict, verdictOn } from '../../monitor/verdict/index.js';
import { type CommandSpec, defineCommand, EXIT, MonitoringAddress, shown, type Terminal } from '../console/index.js';
import { addressOptions } from './probe.js';
import { linesOfCluster } from './top-cluster.js';

type Stats = NonNullable<PoolStatsReport['stats']>;

/** What is shown of a pool at one moment. */
interface PoolLine {
  readonly name: string;
  /** Without the pool's past and its borrowers, which only the live feed has. */
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
}

export const top: CommandSpec = defineCommand({
  name: 'top',
  summary: "Shows a running process's pools and updates them each second, until Ctrl-C.",
  notes: [
    'If the address requires a token, set it in POOLWRIGHT_TOKEN. Percentiles cover the time since the process started.',
    'The verdict on a pool is the same as in the dashboard, but without the past and what the borrowers do: only the live feed knows these.',
    'For a cluster, it shows the servers. > takes the writes; ! is out, lags by more than reads.maxLag, or takes writes beside another server.',
  ],
  operands: [],
  options: {
    ...addressOptions,
    interval: { kind: 'number', value: 'MS', min: 100, max: 600_000, default: 1_000, about: 'Time between two updates, in milliseconds.' },
    count: { kind: 'number', value: 'N', min: 1, max: 1_000_000, about: 'End after this many updates.' },
  },
  async run({ values, terminal, environment, stop }) {
    const process = new MonitoringAddress(values.address, environment, values.timeout);
    let before: Reading | undefined;
    for (let round = 0; !stop.aborted && (values.count === undefined || round < values.count); round += 1) {
      if (round > 0) await pause(values.interval, { signals: [stop] });
      if (stop.aborted) break;
      const reading = await readPools(process);
      const lines = linesOf(reading, before);
      if (terminal.json) terminal.sayJson({ at: new Date().toISOString(), pools: lines });
      else if (terminal.isScreen) terminal.draw(screenOf(terminal, process.url, lines));
      else for (const line of [...tableOf(terminal, lines, round === 0), ...clustersOf(terminal, lines)]) terminal.say(line);
      before = reading;
    }
    return EXIT.ok;
  },
});

interface PoolReading {
  readonly stats: Stats;
  readonly health: PoolHealthReport;
  readonly topology: ShownTopology | null;
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
  const [{ stats }, health, topology] = (await Promise.all([
    process.query('monitoring.connectionPoolStats', which),
    process.query('monitoring.connectionPoolHealth', which),
    // A process of an older version has no clusters; what else is wrong, the others say.
    process.query('monitoring.topology', which).catch(() => undefined),
  ])) as [PoolStatsReport, PoolHealthReport, TopologyReport | undefined];
  return stats === null ? [] : [{ stats, health, topology: topology?.topology ?? null }];
}

function linesOf({ atMs, pools }: Reading, before: Reading | undefined): PoolLine[] {
  return pools.map(({ stats, health, topology }) => {
    const last = before?.pools.find((pool) => pool.stats.name === stats.name)?.stats;
    const rate = (count: (of: Stats) => number): number | null => {
      if (last === undefined || before === undefined) return null;
      // Less than before: the process was restarted in between.
      return Math.max(0, Math.round(((count(stats) - count(last)) / (atMs - before.atMs)) * 1000));
    };
    return {
      name: stats.name,
      verdict: verdictOn({ stats, health, borrowed: [], topology }, [], Date.now()),
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

function coloured(terminal: Terminal, { level }: PoolVerdict, text: string): string {
  if (level === 'good') return text;
  return terminal.paint(level === 'bad' ? 'red' : 'yellow', text);
}

const BAR = 40;

function screenOf(terminal: Terminal, url: string, pools: readonly PoolLine[]): string[] {
  const bars = pools.map(({ name, used, idle, limit }) => {
    const part = (count: number): number => Math.min(BAR, Math.round((count / limit) * BAR));
    const busy = part(used);
    const open = Math.min(BAR - busy, part(idle));
    return `${terminal.paint('red', '█'.repeat(busy))}${terminal.paint('green', '█'.repeat(open))}${'░'.repeat(BAR - busy - open)} ${used} of ${limit} in use  ${name}`;
  });
  const verdicts = pools.map(({ name, verdict }) => coloured(terminal, verdict, `${name}: ${verdict.headline}`));
  const clusters = clustersOf(terminal, pools);
  const clustersWithSpace = clusters.length === 0 ? [] : [...clusters, ''];
  const head = `poolwright top  ${url}  ${new Date().toLocaleTimeString()}  Ctrl-C ends`;
  return [head, '', ...verdicts, '', ...tableOf(terminal, pools, true), '', ...clustersWithSpace, ...bars];
}
