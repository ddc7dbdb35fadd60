import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chartOf } from './chart.js';
import type { ServerName } from '../runner/servers.js';
import { markdownOf } from './markdown.js';
import { readmeChart, readmeFigures, sizingFigures } from './excerpts.js';
import { performanceFigures } from './performance.js';
import { FORM, type Report } from './report.js';

const RESULTS = fileURLToPath(new URL('../../results/', import.meta.url));

/** Where the runs on each server are kept. */
const FOLDERS: Readonly<Record<ServerName, string>> = { mariadb: RESULTS, mysql: `${RESULTS}mysql/` };

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** What documents show of the runs. */
const PARTS: readonly { readonly path: string; readonly made: (reports: readonly Report[], onMySql: readonly Report[]) => string }[] = [
  { path: 'docs/performance.md', made: performanceFigures },
  { path: 'docs/infrastructure.md', made: sizingFigures },
  { path: 'README.md', made: readmeFigures },
];

const LARGEST_REPORT = 64 * 1024 * 1024;

const BEGIN = '<!-- figures: made from benchmarks/results; npm run bench -- report writes them -->';
const END = '<!-- end of figures -->';

export function saveReport(report: Report, server: ServerName): void {
  const folder = FOLDERS[server];
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${report.scenario}.json`, `${JSON.stringify(report, undefined, 1)}\n`);
}

/** The last run in the working folder. Undefined: there is none, or it is of another form. */
export function savedReport(scenario: string, server: ServerName): Report | undefined {
  const path = `${FOLDERS[server]}${scenario}.json`;
  return existsSync(path) ? ofThisForm(readFileSync(path, 'utf8')) : undefined;
}

/** The run that is committed, whatever has been run since; without git, the one in the working folder. */
export function committedReport(scenario: string, server: ServerName): Report | undefined {
  try {
    const text = execFileSync('git', ['show', `HEAD:./${scenario}.json`], {
      cwd: FOLDERS[server],
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: LARGEST_REPORT,
    });
    return ofThisForm(text);
  } catch {
    return insideGit() ? undefined : savedReport(scenario, server);
  }
}

/** Writes the tables, the charts and what documents show of them from what was saved. Returns the scenarios without a saved run. */
export function writeDocuments(scenarios: readonly string[]): string[] {
  const reports = scenarios.map((name) => savedReport(name, 'mariadb'));
  const found = reports.filter((report) => report !== undefined);
  const onMySql = scenarios.map((name) => savedReport(name, 'mysql')).filter((report) => report !== undefined);
  writePages(found, 'mariadb');
  writePages(onMySql, 'mysql');
  const chart = readmeChart(found);
  if (chart !== undefined) writeFileSync(`${RESULTS}readme.svg`, chart);
  for (const { path, made } of PARTS) {
    const text = readFileSync(`${ROOT}${path}`, 'utf8');
    const from = text.indexOf(BEGIN);
    const to = text.indexOf(END);
    if (from < 0 || to < from) throw new Error(`${path} has no place for the figures: it needs the lines\n${BEGIN}\n${END}`);
    writeFileSync(`${ROOT}${path}`, `${text.slice(0, from)}${BEGIN}\n\n${made(found, onMySql)}\n${text.slice(to)}`);
  }
  return scenarios.filter((_, index) => reports[index] === undefined);
}

/** The table and the chart of each run. */
function writePages(reports: readonly Report[], server: ServerName): void {
  for (const report of reports) {
    writeFileSync(`${FOLDERS[server]}${report.scenario}.md`, markdownOf(report));
    writeFileSync(`${FOLDERS[server]}${report.scenario}.svg`, chartOf(report));
  }
}

function ofThisForm(text: string): Report | undefined {
  const report = JSON.parse(text) as Report;
  return report.form === FORM ? report : undefined;
}

function insideGit(): boolean {
  try {
    execFileSync('git', ['rev-parse', '--git-dir'], { cwd: RESULTS, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
