import { isRival, type Report } from '../report.js';
import { ratiosOf } from '../statistics.js';
import { processTargets } from './process-targets.js';
import { atLeast, atMost, ratioOf, rowOf, shareFrom, type Target } from './target.js';

type Reports = ReadonlyMap<string, Report>;

/** Only those whose scenarios were run. */
export function targets(all: readonly Report[]): Target[] {
  const reports: Reports = new Map(all.map((report) => [report.scenario, report]));
  return [
    ...all.flatMap(processTargets),
    ...acquiring(reports),
    ...queueing(reports),
    ...headline(reports),
    ...spike(reports),
    ...starting(reports),
    ...manyPools(reports),
    ...outage(reports),
    ...memory(reports),
    ...cached(reports),
    ...resilient(reports),
    ...monitored(reports),
  ];
}

function figure(reports: Reports, scenario: string, caseName: string, contestant: string, metric: string): number | undefined {
  return rowOf(reports.get(scenario), caseName, contestant)?.figures[metric]?.median;
}

/** The rival whose figure is the smallest multiple of ours. */
function closestRival(report: Report, caseName: string, metric: string): { readonly name: string; readonly ratio: number } | undefined {
  const rivals = report.rows.filter((one) => one.case === caseName && isRival(report, one.contestant));
  return rivals
    .map(({ contestant, ratios }) => ({ name: contestant, ratio: ratios[metric]?.['poolwright']?.median ?? Number.POSITIVE_INFINITY }))
    .toSorted((a, b) => a.ratio - b.ratio)[0];
}

/** All pools in one process. */
function acquiring(reports: Reports): Target[] {
  const report = reports.get('acquire');
  if (report === undefined) return [];
  const bounds = { '1 caller': 3, '20 callers': 3, '200 callers': 1.5, '2 000 callers': 1.5 };
  return Object.entries(bounds).flatMap(([callers, bound]) => {
    const best = closestRival(report, callers, 'time');
    const what = `acquire, ${callers}, all pools in one process: rate against the fastest rival`;
    return best === undefined ? [] : atLeast(what, best.ratio, bound, ` (${best.name})`);
  });
}

function queueing(reports: Reports): Target[] {
  const grown = (metric: string, from = '100 waiters'): number | undefined => {
    const few = figure(reports, 'queue', from, 'poolwright', metric);
    const many = figure(reports, 'queue', '100 000 waiters', 'poolwright', metric);
    return few === undefined || many === undefined ? undefined : many / few;
  };
  return [
    ...atMost('waiting: served, 100 000 waiters against 100, cost of each', grown('served'), 2, '×'),
    ...atMost('waiting: given up, 100 000 waiters against 100, cost of each', grown('givenUp'), 2, '×'),
    ...atMost('waiting: timed out, 100 000 waiters against 10 000', grown('timedOut', '10 000 waiters'), 2, '×'),
  ];
}

function headline(reports: Reports): Target[] {
  const bounds = [
    ['10 queries, warm', 10],
    ['100 queries, warm', 15],
    ['200 queries, warm', 25],
  ] as const;
  return bounds.flatMap(([name, bound]) => [
    ...atMost(`${name}, verified TLS`, figure(reports, 'headline', name, 'poolwright', 'time'), bound, 'ms'),
    ...atLeast(`${name}: against a connection for each query`, ratioOf(reports.get('headline'), name, 'connection per query', 'time'), 30),
  ]);
}

function spike(reports: Reports): Target[] {
  const report = reports.get('spike');
  if (report === undefined) return [];
  const [short, long] = ['short: 50 × 1 query of 2 ms', 'sustained: 50 × 10 queries of 20 ms'];
  const fastest = closestRival(report, long, 'time');
  return [
    ...report.ours.flatMap((own) => [
      ...atMost(
        `short spike, ${own}: time against five connections without a pool`,
        shareFrom(ratioOf(report, short, 'five connections, no pool', 'time', own)),
        1.1,
        '×',
      ),
      ...atMost(`short spike, ${own}: connections at its end`, figure(reports, 'spike', short, own, 'open'), 6, 'connections', 0),
    ]),
    ...atLeast('long spike: rate against the fastest rival', fastest?.ratio, 1, ` (${fastest?.name})`),
  ];
}

function starting(reports: Reports): Target[] {
  const against = (metric: string): number | undefined => ratioOf(reports.get('startup'), 'plain', 'mysql2', metric);
  return [
    ...atLeast('a new process: first answer, against mysql2', against('first'), 0.95),
    ...atLeast('a new process: loading, against mysql2', against('load'), 0.9),
  ];
}

function manyPools(reports: Reports): Target[] {
  const report = reports.get('many-pools');
  if (report === undefined) return [];
  const bounds = { mysql2: 1, mariadb: 0.8 };
  return Object.entries(bounds).flatMap(([rival, bound]) =>
    (['start', 'time', 'memory'] as const).flatMap((metric) =>
      atLeast(`100 pools: ${report.metrics[metric]?.label}, against ${rival}`, ratioOf(report, '100 pools', rival, metric), bound),
    ),
  );
}

function outage(reports: Reports): Target[] {
  return ['killed', 'frozen'].flatMap((how) =>
    atMost(`database ${how}, back: first answer`, figure(reports, 'outage', how, 'poolwright', 'first'), 50, 'ms', 0),
  );
}

function memory(reports: Reports): Target[] {
  const name = '200 idle connections';
  const ours = figure(reports, 'memory', name, 'poolwright', 'bytes');
  const driver = figure(reports, 'memory', name, 'connections, no pool', 'bytes');
  return [
    ...atMost(
      'memory of a waiter, with its promise',
      figure(reports, 'waiter-memory', '20 000 waiters', 'poolwright', 'bytes'),
      300,
      'B',
      0,
    ),
    ...atMost(
      'memory of an idle connection beyond the driver',
      ours === undefined || driver === undefined ? undefined : ours - driver,
      2_048,
      'B',
      0,
    ),
  ];
}

function cached(reports: Reports): Target[] {
  const times = (caseName: string, contestant: string): number | undefined => {
    const [ours, theirs] = [contestant, 'no cache'].map((one) => figure(reports, 'cache', caseName, one, 'time'));
    return ours === undefined || theirs === undefined ? undefined : theirs / ours;
  };
  return [
    ...atLeast('cached read by primary key, both tiers: against no cache', times('small row', 'both tiers'), 20),
    ...atLeast('cached aggregate over 10 000 rows, Redis alone: against no cache', times('aggregate, a hot one', 'Redis alone'), 50),
  ];
}

function resilient(reports: Reports): Target[] {
  const lost = figure(reports, 'resilience', 'overload', 'with', 'lost');
  const pairs = ['with', 'without'].map((one) =>
    (rowOf(reports.get('resilience'), 'closed breaker', one)?.rounds ?? []).map(({ pair }) => pair as number),
  );
  const times = ratiosOf(pairs[0] ?? [], pairs[1] ?? [])?.median;
  return [
    ...atMost('a closed breaker: share of acquire + release', times === undefined ? undefined : (times - 1) * 100, 5, '%'),
    ...atMost('overload with shedding: goodput lost', lost, 20, '%'),
  ];
}

function monitored(reports: Reports): Target[] {
  const of = (caseName: string, metric: string): number | undefined => figure(reports, 'monitoring', caseName, 'poolwright', metric);
  return [
    ...atMost('monitoring (dashboard open, a scrape each second): throughput lost', of('under load', 'throughput'), 1, '%'),
    ...atMost('monitoring of an idle pool: share of one core', of('by itself', 'core'), 1, '%'),
    ...atMost('a scrape of ten pools', of('scrape of 10 pools', 'scrape'), 10, 'ms'),
  ];
}
