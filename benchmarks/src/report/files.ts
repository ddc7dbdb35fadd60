import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chartOf } from './chart.js';
import { markdownOf } from './markdown.js';
import { performanceFigures } from './performance.js';
import { FORM, type Report } from './report.js';

const RESULTS = fileURLToPath(new URL('../../results/', import.meta.url));
const PERFORMANCE = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url));

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

/** Writes the tables, the charts and the figures of docs/performance.md from what was saved. Returns the scenarios without a saved run. */
export function writeDocuments(scenarios: readonly string[]): string[] {
  const reports = scenarios.map(savedReport);
  const found = reports.filter((report) => report !== undefined);
  for (const report of found) {
    writeFileSync(`${RESULTS}${report.scenario}.md`, markdownOf(report));
    writeFileSync(`${RESULTS}${report.scenario}.svg`, chartOf(report));
  }
  const text = readFileSync(PERFORMANCE, 'utf8');
  const from = text.indexOf(BEGIN);
  const to = text.indexOf(END);
  if (from < 0 || to < from) throw new Error(`${PERFORMANCE} has no place for the figures: it needs the lines\n${BEGIN}\n${END}`);
  writeFileSync(PERFORMANCE, `${text.slice(0, from)}${BEGIN}\n\n${performanceFigures(found)}\n${text.slice(to)}`);
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
