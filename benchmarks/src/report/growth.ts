import { formatted } from './format.js';
import { casesOf, type Report, rowsOf } from './report.js';

const SIZING = 'Connections: one query of 200 callers';

/** How rate and answers depend on the number of connections, and how many are enough. */
export function sizingTable(report: Report): string[] {
  return [...table(report, SIZING, ['time', 'p99']), '', ...sizingAdvice(report)];
}

/** What our own cost depends on, from the same runs: a table for each of callers, waiters, rows, connections. */
export function growthTables(reports: readonly Report[]): string[] {
  const found = new Map(reports.map((report) => [report.scenario, report]));
  const tables = [
    table(found.get('acquire'), 'Callers: acquire + release over 20 connections', ['time', 'cpu']),
    table(found.get('queue'), 'Waiters: each one', ['served', 'givenUp', 'timedOut']),
    table(found.get('query'), 'Rows and columns: one query', ['time', 'cpu']),
    table(found.get('sizing'), SIZING, ['time', 'p99']),
  ].filter((lines) => lines.length > 0);
  if (tables.length === 0) return [];
  return [
    '### How the cost grows',
    '',
    'How Poolwright’s own cost depends on the number of callers, waiters, rows, and connections.',
    '',
    ...sizingAdvice(found.get('sizing')),
    '<details>',
    '<summary>The four tables</summary>',
    '',
    ...tables.flatMap((lines) => [...lines, '']),
    '</details>',
    '',
  ];
}

function table(report: Report | undefined, title: string, metrics: readonly string[]): string[] {
  if (report === undefined) return [];
  const own = report.ours[0] as string;
  return [
    `| ${title} | ${metrics.map((name) => report.metrics[name]?.label ?? name).join(' | ')} |`,
    `| --- |${' ---: |'.repeat(metrics.length)}`,
    ...casesOf(report).map((caseName) => {
      const row = rowsOf(report, caseName).find(({ contestant }) => contestant === own);
      const cells = metrics.map((name) => {
        const figure = row?.figures[name];
        const metric = report.metrics[name];
        return figure === undefined || metric === undefined ? '—' : formatted(figure.median, metric);
      });
      return `| ${caseName} | ${cells.join(' | ')} |`;
    }),
  ];
}

/** Of the best rate: more connections than bring this much bring load, not answers. */
const ENOUGH = 0.9;

function sizingAdvice(report: Report | undefined): string[] {
  if (report === undefined) return [];
  const own = report.ours[0] as string;
  const lines: string[] = [];
  for (const kind of new Set(casesOf(report).map((name) => name.split(', ')[0] as string))) {
    const sizes = report.rows
      .filter((row) => row.contestant === own && row.case.startsWith(`${kind}, `))
      .map((row) => ({ size: row.case.slice(kind.length + 2), time: row.figures['time']?.median ?? Number.POSITIVE_INFINITY }));
    const best = Math.min(...sizes.map(({ time }) => time));
    const enough = sizes.find(({ time }) => best / time >= ENOUGH);
    if (enough !== undefined)
      lines.push(
        `- Statements that the server ${kind === 'at once' ? 'answers at once' : `${kind} in`}: ${enough.size} ${enough.size.startsWith('1 ') ? 'reaches' : 'reach'} ${ENOUGH * 100} % of the best rate of this machine.`,
      );
  }
  return [...lines, ''];
}
