import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chartOf } from './chart.js';
import { markdownOf } from './markdown.js';
import { readmeChart, readmeFigures, sizingFigures } from './excerpts.js';
import { performanceFigures } from './performance.js';
import { FORM, type Report } from './report.js';

const RESULTS = fileURLToPath(new URL('../../results/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** What documents show of the runs. */
const PARTS: readonly { readonly path: string; readonly made: (reports: readonly Report[]) => string }[] = [
  { path: 'docs/performance.md', made: performanceFigures },
  { path: 'docs/infrastructure.md', made: sizingFigures },
  { path: 'README.md', made: readmeFigures },
];

const LARGEST_REPORT = 64 * 1024 * 1024;

const BEGIN = '<!-- figures: made from benchmarks/results; npm run bench -- report writes them -->';
const END = '<!-- end of figures -->';

export function saveReport(report: Report): void {
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(`${RESULTS}${report.scenario}.json`, `${JSON.stringify(report, undefined, 1)}\n`);
}

/** The last run in the working folder. Undefined: there is none, or it is of another form. */
export function savedReport(scenario: string): Report | undefined {
  const path = `${RESULTS}${scenario}.json`;
  return existsSync(path) ? ofThisForm(readFileSync(path, 'utf8')) : undefined;
}

/** The run that is committed, whatever has been run since; without git, the one in the working folder. */
export function committedReport(scenario: string): Report | undefined {
  try {
    const text = execFileSync('git', ['show', `HEAD:./${scenario}.json`], {
      cwd: RESULTS,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: LARGEST_REPORT,
    });
    return ofThisForm(text);
  } catch {
    return insideGit() ? undefined : savedReport(scenario);
  }
}

/** Writes the tables, the charts and what documents show of them from what was saved. Returns the scenarios without a saved run. */
export function writeDocuments(scenarios: readonly string[]): string[] {
  const reports = scenarios.map(savedReport);
  const found = reports.filter((report) => report !== undefined);
  for (const report of found) {
    writeFileSync(`${RESULTS}${report.scenario}.md`, markdownOf(report));
    writeFileSync(`${RESULTS}${report.scenario}.svg`, chartOf(report));
  }
  const chart = readmeChart(found);
  if (chart !== undefined) writeFileSync(`${RESULTS}readme.svg`, chart);
  for (const { path, made } of PARTS) {
    const text = readFileSync(`${ROOT}${path}`, 'utf8');
    const from = text.indexOf(BEGIN);
    const to = text.indexOf(END);
    if (from < 0 || to < from) throw new Error(`${path} has no place for the figures: it needs the lines\n${BEGIN}\n${END}`);
    writeFileSync(`${ROOT}${path}`, `${text.slice(0, from)}${BEGIN}\n\n${made(found)}\n${text.slice(to)}`);
  }
  return scenarios.filter((_, index) => reports[index] === undefined);
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
