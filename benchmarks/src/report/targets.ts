import { isRival, type Report, type Row } from './report.js';

/** What was to be reached, and what was. */
export interface Target {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

type Reports = ReadonlyMap<string, Report>;

/** Only those whose scenarios were run. */
export function targets(all: readonly Report[]): Target[] {
  const reports: Reports = new Map(all.map((report) => [report.scenario, report]));
  return [
    ...acquiring(reports),
    ...queueing(reports),
    ...asking(reports),
    ...headline(reports),
    ...spike(reports),
    ...outage(reports),
    ...memory(reports),
    ...cached(reports),
    ...resilient(reports),
    ...monitored(reports),
  ];
}

function row(reports: Reports, scenario: string, caseName: string, contestant: string): Row | undefined {
  return reports.get(scenario)?.rows.find((one) => one.case === caseName && one.contestant === contestant);
}

function figure(reports: Reports, scenario: string, caseName: string, contestant: string, metric: string): number | undefined {
  return row(reports, scenario, caseName, contestant)?.figures[metric]?.median;
}

/** How many times ours their figure is. */
function ratio(
  reports: Reports,
  scenario: string,
  caseName: string,
  contestant: string,
  metric: string,
  own = 'poolwright',
): number | undefined {
  return row(reports, scenario, caseName, contestant)?.ratios[metric]?.[own]?.median;
}

function atLeast(what: string, measured: number | undefined, bound: number, note = ''): Target[] {
  if (measured === undefined) return [];
  return [{ what, target: `≥ ${bound} ×`, measured: `${measured.toFixed(2)} ×${note}`, met: measured >= bound }];
}

function atMost(what: string, measured: number | undefined, bound: number, unit: string, digits = 2): Target[] {
  if (measured === undefined) return [];
  return [{ what, target: `≤ ${bound} ${unit}`, measured: `${measured.toFixed(digits)} ${unit}`, met: measured <= bound }];
}

function acquiring(reports: Reports): Target[] {
  const report = reports.get('acquire');
  if (report === undefined) return [];
  const found: Target[] = [];
  for (const own of report.ours) {
    for (const callers of ['1 caller', '20 callers', '200 callers', '2 000 callers', '100 000 callers']) {
      const rivals = report.rows.filter((one) => one.case === callers && isRival(report, one.contestant));
      const [best] = rivals
        .map((one) => ({ name: one.contestant, ratio: one.ratios['time']?.[own]?.median ?? Number.POSITIVE_INFINITY }))
        .toSorted((a, b) => a.ratio - b.ratio);
      if (best === undefined) continue;
      found.push(...atLeast(`acquire + release, ${own}, ${callers}: rate against the fastest rival`, best.ratio, 3, ` (${best.name})`));
    }
    const bare = ratio(reports, 'acquire', '1 caller', 'bare', 'time', own);
    found.push(
      ...atMost(
        `acquire + release, ${own}, 1 caller: time against an array and a promise`,
        bare === undefined ? undefined : 1 / bare,
        3,
        '×',
      ),
    );
  }
  return found;
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

function asking(reports: Reports): Target[] {
  return (['query', 'execute'] as const).flatMap((scenario) => {
    const of = (contestant: string, callers: string, metric = 'time'): number | undefined =>
      ratio(reports, scenario, `small row, ${callers}`, contestant, metric);
    const cpu = of('mysql2', '200 callers', 'cpu');
    return [
      ...atLeast(`${scenario}, 200 callers: rate against mysql2`, of('mysql2', '200 callers'), scenario === 'query' ? 1.2 : 1.3),
      ...atMost(`${scenario}, 200 callers: CPU against mysql2`, cpu === undefined ? undefined : 1 / cpu, 0.85, '×'),
      ...atLeast(`${scenario}, 1 caller: rate against mysql2`, of('mysql2', '1 caller'), 1),
      ...['1 caller', '20 callers', '200 callers'].flatMap((callers) =>
        atLeast(`${scenario}, ${callers}: rate against mariadb`, of('mariadb', callers), 1),
      ),
    ];
  });
}

function headline(reports: Reports): Target[] {
  const bounds = [
    ['10 queries, warm', 10],
    ['100 queries, warm', 15],
    ['200 queries, warm', 25],
  ] as const;
  return bounds.flatMap(([name, bound]) => [
    ...atMost(`${name}, verified TLS`, figure(reports, 'headline', name, 'poolwright', 'time'), bound, 'ms'),
    ...atLeast(`${name}: against a connection for each query`, ratio(reports, 'headline', name, 'connection per query', 'time'), 30),
  ]);
}

function spike(reports: Reports): Target[] {
  const name = 'short: 50 × 1 query of 2 ms';
  return [
    ...atMost('spike, short: until the last answer', figure(reports, 'spike', name, 'poolwright', 'time'), 25, 'ms'),
    ...atMost('spike, short: connections at its end', figure(reports, 'spike', name, 'poolwright', 'open'), 6, 'connections', 0),
  ];
}

function outage(reports: Reports): Target[] {
  return ['killed', 'frozen'].flatMap((how) =>
    atMost(`database ${how}, back: first answer`, figure(reports, 'outage', how, 'poolwright', 'first'), 1_000, 'ms', 0),
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
    ...atLeast('cached read by primary key, both tiers: against no cache', times('small row', 'both tiers'), 10),
    ...atLeast('cached aggregate over 10 000 rows, Redis alone: against no cache', times('aggregate, a hot one', 'Redis alone'), 50),
  ];
}

function resilient(reports: Reports): Target[] {
  const of = (caseName: string, metric: string, contestant = 'with'): number | undefined =>
    figure(reports, 'resilience', caseName, contestant, metric);
  const [withBreaker, without] = [of('closed breaker', 'pair'), of('closed breaker', 'pair', 'without')];
  return [
    ...atMost(
      'a closed breaker: share of acquire + release',
      withBreaker === undefined || without === undefined ? undefined : (withBreaker / without - 1) * 100,
      5,
      '%',
    ),
    ...atMost('overload with shedding: goodput lost', of('overload', 'lost'), 20, '%'),
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
