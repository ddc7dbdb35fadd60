import type { Report } from '../report.js';
import { atLeast, atMost, ratioOf, shareFrom, type Target } from './target.js';

type Kind = 'query' | 'execute';

/** With 200 callers, alone and beside other clients: rates against mysql2's promise pool, and the share of its CPU time. */
const STATEMENTS: Readonly<Record<Kind, { readonly rate: number; readonly inCompany: number; readonly cpu: number }>> = {
  query: { rate: 1.35, inCompany: 1.2, cpu: 0.65 },
  execute: { rate: 1.25, inCompany: 1.15, cpu: 0.75 },
};

/** Rates against mysql2's promise pool, and against mariadb's. */
const OLTP = [
  { callers: '20 callers', mysql2: 1.1, mariadb: 1 },
  { callers: '100 callers', mysql2: 1.2, mariadb: 1.05 },
] as const;

const ACQUIRE = [
  { callers: '1 caller', rate: 2 },
  { callers: '20 callers', rate: 2 },
  { callers: '200 callers', rate: 1.2 },
  { callers: '2 000 callers', rate: 1.2 },
] as const;

const FEW_TO_MANY = ['1 caller', '20 callers', '200 callers'] as const;

/** What a separate process for each pool is to show, on each line of Node. None for any other scenario. */
export function processTargets(report: Report): Target[] {
  if (report.scenario !== 'processes') return [];
  return [...asking(report, 'query'), ...asking(report, 'execute'), ...mixing(report), ...borrowing(report)];
}

function asking(report: Report, kind: Kind): Target[] {
  const { rate, inCompany, cpu } = STATEMENTS[kind];
  const rateAgainst = (rival: string, callers: string, bound: number): Target[] =>
    atLeast(`${kind}, ${callers}: rate against ${rival}`, ratioOf(report, `${kind}, ${callers}`, rival, 'time'), bound);
  const shareOfCpu = (metric: string): number | undefined => shareFrom(ratioOf(report, `${kind}, 200 callers`, 'mysql2', metric));
  return [
    ...rateAgainst('mysql2', '1 caller', 1),
    ...rateAgainst('mysql2', '20 callers', 1.1),
    ...rateAgainst('mysql2', '200 callers', rate),
    ...atMost(`${kind}, 200 callers: CPU against mysql2`, shareOfCpu('cpu'), cpu, '×'),
    ...atMost(`${kind}, 200 callers, statements 1 000 to 10 000: CPU against mysql2`, shareOfCpu('cpu10k'), 1, '×'),
    ...atLeast(
      `${kind}, 200 callers, beside other clients: rate against mysql2`,
      ratioOf(report, `${kind} in company, 200 callers`, 'mysql2', 'time'),
      inCompany,
    ),
    ...FEW_TO_MANY.flatMap((callers) => rateAgainst('mysql2 callbacks', callers, 0.95)),
    ...FEW_TO_MANY.flatMap((callers) => rateAgainst('mariadb', callers, callers === '200 callers' ? 1.1 : 1.05)),
  ];
}

function mixing(report: Report): Target[] {
  return OLTP.flatMap(({ callers, ...bounds }) =>
    (['mysql2', 'mariadb'] as const).flatMap((rival) =>
      atLeast(`oltp, ${callers}: rate against ${rival}`, ratioOf(report, `oltp, ${callers}`, rival, 'time'), bounds[rival]),
    ),
  );
}

function borrowing(report: Report): Target[] {
  return ACQUIRE.flatMap(({ callers, rate }) =>
    atLeast(`acquire, ${callers}: rate against mysql2`, ratioOf(report, `acquire, ${callers}`, 'mysql2', 'time'), rate),
  );
}
