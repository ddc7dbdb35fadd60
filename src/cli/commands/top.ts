import { pause } from '../../engine/waiting/index.js';
import type { PoolStatsReport } from '../../monitor/api/index.js';
import { type Command, defineCommand, EXIT, MonitoringAddress, shown, type Terminal } from '../console/index.js';
import { addressOptions } from './probe.js';

type Stats = NonNullable<PoolStatsReport['stats']>;

/** What is shown of a pool at one moment. */
export interface PoolLine {
  readonly name: string;
  readonly state: string;
  readonly limit: number;
  readonly used: number;
  readonly idle: number;
  readonly opening: number;
  readonly waiting: number;
  readonly longestWaitMs: number;
  /** Leases and statements per second since the last look; `null` at the first. */
  readonly acquiresPerSecond: number | null;
  readonly queriesPerSecond: number | null;
  readonly acquireP99Ms: number;
  readonly queryP50Ms: number;
  readonly queryP99Ms: number;
  readonly timedOut: number;
  readonly connectErrors: number;
}

export const top: Command = defineCommand({
  name: 'top',
  summary: "Shows a running process's pools, again each second, until Ctrl-C.",
  notes: ['Where the address wants a token, it is the one in POOLWRIGHT_TOKEN. Percentiles are those since the start of the process.'],
  operands: [],
  options: {
    ...addressOptions,
    interval: { kind: 'number', value: 'MS', min: 100, max: 600_000, default: 1_000, about: 'Time between two looks, in milliseconds.' },
    count: { kind: 'number', value: 'N', min: 1, max: 1_000_000, about: 'End after that many looks.' },
  },
  async run({ values, terminal, environment, stop }) {
    const process = new MonitoringAddress(values.address, environment, values.timeout);
    let before: Look | undefined;
    for (let round = 0; !stop.aborted && (values.count === undefined || round < values.count); round += 1) {
      if (round > 0) await pause(values.interval, { signals: [stop] });
      if (stop.aborted) break;
      const look = await lookAt(process);
      const lines = linesOf(look, before);
      if (terminal.json) terminal.sayJson({ at: new Date().toISOString(), pools: lines });
      else if (terminal.isScreen) terminal.draw(screenOf(terminal, process.url, lines));
      else for (const line of tableOf(terminal, lines, round === 0)) terminal.say(line);
      before = look;
    }
    return EXIT.ok;
  },
});

interface Look {
  readonly atMs: number;
  readonly pools: readonly Stats[];
}

async function lookAt(process: MonitoringAddress): Promise<Look> {
  const { body } = await process.get('/readyz', [503]);
  const { pools } = JSON.parse(body) as { readonly pools: readonly { readonly pool?: string }[] };
  const reports = (await Promise.all(
    pools.map(({ pool }) => process.query('monitoring.connectionPoolStats', pool === undefined ? undefined : { pool })),
  )) as PoolStatsReport[];
  return { atMs: performance.now(), pools: reports.flatMap(({ stats }) => stats ?? []) };
}

function linesOf({ atMs, pools }: Look, before: Look | undefined): PoolLine[] {
  return pools.map((stats) => {
    const last = before?.pools.find(({ name }) => name === stats.name);
    const rate = (count: (of: Stats) => number): number | null => {
      if (last === undefined || before === undefined) return null;
      // Less than before: the process was started anew in between.
      return Math.max(0, Math.round(((count(stats) - count(last)) / (atMs - before.atMs)) * 1000));
    };
    return {
      name: stats.name,
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
    if (pool.state !== 'running' || pool.waiting > 0) return terminal.paint('yellow', text);
    return text;
  });
  if (pools.length === 0) return ['there is no pool'];
  return withHead ? [terminal.paint('bold', head), ...lines] : lines;
}

const BAR = 40;

function screenOf(terminal: Terminal, url: string, pools: readonly PoolLine[]): string[] {
  const bars = pools.map(({ name, used, idle, limit }) => {
    const part = (count: number): number => Math.min(BAR, Math.round((count / limit) * BAR));
    const busy = part(used);
    const open = Math.min(BAR - busy, part(idle));
    return `${terminal.paint('red', '█'.repeat(busy))}${terminal.paint('green', '█'.repeat(open))}${'░'.repeat(BAR - busy - open)} ${used} of ${limit} in use  ${name}`;
  });
  return [`poolwright top  ${url}  ${new Date().toLocaleTimeString()}  Ctrl-C ends`, '', ...tableOf(terminal, pools, true), '', ...bars];
}
