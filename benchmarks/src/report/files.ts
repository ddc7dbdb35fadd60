import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chartOf } from './chart.js';
import { NODE_LINES, type NodeLine } from '../conditions/runtimes.js';
import { type ServerName, SERVERS } from '../runner/servers.js';
import { markdownOf } from './markdown.js';
import { gainsChart } from './gains-chart.js';
import { measuredGains } from './gains.js';
import { readmeFigures, sizingFigures } from './excerpts.js';
import { performanceFigures } from './performance.js';
import { FORM, type Report } from './report.js';
import { runtimesPage } from './runtimes.js';

const RESULTS = fileURLToPath(new URL('../../results/', import.meta.url));

/** On what a run was made. */
export interface Place {
  readonly server: ServerName;
  readonly line: NodeLine;
}

const USUAL: Place = { server: 'mariadb', line: NODE_LINES[0] };

function everyPlace(): readonly Place[] {
  return SERVERS.flatMap((server) => NODE_LINES.map((line) => ({ server, line })));
}

/** Where the runs of a place are kept. */
function folderOf({ server, line }: Place): string {
  return `${RESULTS}${server === USUAL.server ? '' : `${server}/`}${line === USUAL.line ? '' : `node-${line}/`}`;
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** @param onEachLine the scenarios that have a page with a column for each line of Node */
type Made = (reports: readonly Report[], onMySql: readonly Report[], onEachLine: ReadonlySet<string>) => string;

/** What documents show of the runs. */
const PARTS: readonly { readonly path: string; readonly made: Made }[] = [
  { path: 'docs/performance.md', made: performanceFigures },
  { path: 'docs/infrastructure.md', made: sizingFigures },
  { path: 'README.md', made: readmeFigures },
];

/** How the name of a page ends that has a column for each line of Node. */
const ON_EACH_LINE = '-runtimes.md';

const LARGEST_REPORT = 64 * 1024 * 1024;

const BEGIN = '<!-- figures: made from benchmarks/results; npm run bench -- report writes them -->';
const END = '<!-- end of figures -->';

export function saveReport(report: Report, place: Place): void {
  const folder = folderOf(place);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${report.scenario}.json`, `${JSON.stringify(report, undefined, 1)}\n`);
}

/** The last run in the working folder. Undefined: there is none, or it is of another form. */
export function savedReport(scenario: string, place: Place): Report | undefined {
  const path = `${folderOf(place)}${scenario}.json`;
  return existsSync(path) ? ofThisForm(readFileSync(path, 'utf8')) : undefined;
}

/** The run that is committed, not a later one; without git, the one in the working folder. */
export function committedReport(scenario: string, place: Place): Report | undefined {
  try {
    const text = execFileSync('git', ['show', `HEAD:./${scenario}.json`], {
      cwd: folderOf(place),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: LARGEST_REPORT,
    });
    return ofThisForm(text);
  } catch {
    return insideGit() ? undefined : savedReport(scenario, place);
  }
}

/** Writes the tables, the charts and what documents show of them from what was saved. Returns the scenarios without a saved run. */
export function writeDocuments(scenarios: readonly string[]): string[] {
  const savedAt = (place: Place): readonly Report[] =>
    scenarios.map((name) => savedReport(name, place)).filter((report) => report !== undefined);
  for (const place of everyPlace()) writePages(savedAt(place), folderOf(place));
  for (const server of SERVERS) writeRuntimes(scenarios, server);
  const found = savedAt(USUAL);
  const onMySql = savedAt({ ...USUAL, server: 'mysql' });
  const onEachLine = scenariosOnEachLine();
  writeFileSync(`${RESULTS}gains.svg`, gainsChart(measuredGains(found)));
  for (const { path, made } of PARTS) {
    const text = readFileSync(`${ROOT}${path}`, 'utf8');
    const from = text.indexOf(BEGIN);
    const to = text.indexOf(END);
    if (from < 0 || to < from) throw new Error(`${path} has no place for the figures: it needs the lines\n${BEGIN}\n${END}`);
    writeFileSync(`${ROOT}${path}`, `${text.slice(0, from)}${BEGIN}\n\n${made(found, onMySql, onEachLine)}\n${text.slice(to)}`);
  }
  return scenarios.filter((name) => !found.some(({ scenario }) => scenario === name));
}

/** A page for each scenario that was run on more than one line of Node. */
function writeRuntimes(scenarios: readonly string[], server: ServerName): void {
  for (const name of scenarios) {
    const reports = NODE_LINES.map((line) => savedReport(name, { server, line })).filter((report) => report !== undefined);
    const page = runtimesPage(reports);
    if (page !== undefined) writeFileSync(`${folderOf({ ...USUAL, server })}${name}${ON_EACH_LINE}`, page);
  }
}

/** The scenarios that have such a page. */
export function scenariosOnEachLine(): ReadonlySet<string> {
  const pages = readdirSync(RESULTS).filter((file) => file.endsWith(ON_EACH_LINE));
  return new Set(pages.map((file) => file.slice(0, -ON_EACH_LINE.length)));
}

/** The table and the chart of each run. */
function writePages(reports: readonly Report[], folder: string): void {
  for (const report of reports) {
    writeFileSync(`${folder}${report.scenario}.md`, markdownOf(report));
    writeFileSync(`${folder}${report.scenario}.svg`, chartOf(report));
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
