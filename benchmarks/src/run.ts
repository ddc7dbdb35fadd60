import { parseArgs } from 'node:util';
import { compare, isRegression, TOLERANCE } from './report/compare.js';
import { committedReport, type Place, savedReport, saveReport, writeDocuments } from './report/files.js';
import { currentLoad, describeMachine, QUIET_LOAD } from './report/machine.js';
import { markdownOf } from './report/markdown.js';
import { median } from './report/statistics.js';
import { type Report, reportOf } from './report/report.js';
import { BenchmarkDatabase } from './runner/database.js';
import { REPLICATED_SETTINGS, ReplicatedServers } from './runner/replicated-servers.js';
import { dividedCores, placementText } from './conditions/cores.js';
import { NODE_LINES, type Runtime, runtimeOf } from './conditions/runtimes.js';
import { settingsOnOwnCores } from './runner/server-settings.js';
import { type ServerName, SERVERS } from './runner/servers.js';
import { runScenario } from './runner/rounds.js';
import { scenarioNamed, scenarioNames } from './scenarios/index.js';

/** The median of fewer rounds says too little to be kept. */
const FEWEST_ROUNDS = 3;

const USAGE = `npm run bench [-- NAME …]            runs all scenarios, or the named ones: ${scenarioNames.join(', ')}
npm run bench -- report              writes tables, charts and the figures of docs/performance.md from benchmarks/results again
npm run bench:check [-- NAME …]      runs, writes nothing, and names what has become more than ${TOLERANCE * 100} % slower against the rivals since the committed run
    --quick       a short form: few cases, little work, two rounds; its figures are noise
    --server S    mariadb (default), or mysql: a MySQL 9 that the test tree fetches; its runs are kept in benchmarks/results/mysql
    --node N      the line of Node that contestants run on: ${NODE_LINES.join(', ')}; default ${NODE_LINES[0]}; runs on another one are kept in benchmarks/results/node-N
    --rounds N    rounds that count; default: the scenario's own
    --scale X     fraction of the usual amount of work in a round
    --case TEXT   only cases whose name contains this
    --no-write    leaves benchmarks/results as it is; so do --quick, --scale, --case and less than ${FEWEST_ROUNDS} rounds
    --saved       (check) compares what was run last, instead of running again`;

const QUICK = { rounds: 2, scale: 0.1 } as const;

interface Settings {
  readonly server: ServerName;
  readonly runtime: Runtime;
  readonly rounds: number | undefined;
  readonly scale: number;
  readonly quick: boolean;
  readonly caseFilter: string;
  readonly loadBefore: number;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      server: { type: 'string', default: 'mariadb' },
      node: { type: 'string', default: NODE_LINES[0] },
      rounds: { type: 'string' },
      scale: { type: 'string' },
      case: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      'no-write': { type: 'boolean', default: false },
      saved: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick } = values;
  const settings: Settings = {
    server: oneOf('server', SERVERS, values.server),
    runtime: await runtimeOf(oneOf('node', NODE_LINES, values.node)),
    rounds: positiveNumber('rounds', values.rounds, true) ?? (quick ? QUICK.rounds : undefined),
    scale: positiveNumber('scale', values.scale, false) ?? (quick ? QUICK.scale : 1),
    quick,
    caseFilter: values.case,
    loadBefore: currentLoad(),
  };
  const [command, ...rest] = positionals;
  if (values.help) return say(USAGE);
  if (command === 'report') return writeAll();
  if (command === 'check') return await check(namesOf(rest), settings, values.saved);
  warnOfLoad(settings);
  const whole = !quick && settings.scale === 1 && settings.caseFilter === '' && (settings.rounds ?? FEWEST_ROUNDS) >= FEWEST_ROUNDS;
  const write = whole && !values['no-write'];
  for (const name of namesOf(positionals)) {
    const report = await measure(name, settings);
    say(markdownOf(report));
    if (write) saveReport(report, placeOf(settings));
  }
  if (write) writeAll();
}

function placeOf({ server, runtime }: Settings): Place {
  return { server, line: runtime.line };
}

function warnOfLoad({ loadBefore }: Settings): void {
  if (loadBefore > QUIET_LOAD) complain(`The machine is busy (load ${loadBefore}): other processes use it, too. The results will say so.`);
}

async function measure(name: string, settings: Settings): Promise<Report> {
  const scenario = await scenarioNamed(name);
  const startedAt = performance.now();
  const divided = scenario.ownCores ? dividedCores() : undefined;
  const serverSettings = scenario.replicated ? REPLICATED_SETTINGS : settingsOnOwnCores(settings.server, divided);
  await using database = scenario.replicated
    ? await ReplicatedServers.start()
    : await BenchmarkDatabase.start(settings.server, serverSettings);
  const { binary, versions } = settings.runtime;
  const machine = {
    ...describeMachine(await database.version(), settings.loadBefore, serverSettings, versions),
    ...(scenario.ownCores ? { placement: placementText(divided) } : {}),
  };
  const measurements = await runScenario(scenario, database, { ...settings, binary, divided, progress, log });
  complain(`${name}: done in ${Math.round((performance.now() - startedAt) / 1000)} s`);
  const { server, runtime, scale, quick, rounds = scenario.rounds } = settings;
  return reportOf(scenario, measurements, { server, line: runtime.line, machine, rounds, scale, quick });
}

/** Ends with exit code 1 when something has become slower; but not in the short form, whose figures are noise. */
async function check(names: readonly string[], settings: Settings, saved: boolean): Promise<void> {
  if (!saved) warnOfLoad(settings);
  let regressions = 0;
  for (const name of names) {
    const baseline = committedReport(name, placeOf(settings));
    const current = saved ? savedReport(name, placeOf(settings)) : await measure(name, settings);
    if (current === undefined || baseline === undefined) {
      say(`${name}: ${current === undefined ? 'no run is saved' : 'ran without errors; no run is committed to compare it with'}.`);
      continue;
    }
    const moved = Object.entries(current.machine.versions).filter(([rival, version]) => baseline.machine.versions[rival] !== version);
    if (moved.length > 0) say(`${name}: other versions than in the committed run: ${moved.map((pair) => pair.join(' ')).join(', ')}.`);
    const changes = compare(baseline, current);
    const slower = changes.filter(isRegression);
    regressions += slower.length;
    say(
      `${name}: ${changes.length} figures compared with the rivals', ${slower.length} of them more than ${TOLERANCE * 100} % worse than in the committed run.`,
    );
    if (changes.length > 0) {
      const factors = changes.map(({ factor }) => factor);
      say(
        `  Ours against the rivals', now over then: median ${median(factors).toFixed(2)} ×, from ${Math.min(...factors).toFixed(2)} to ${Math.max(...factors).toFixed(2)} ×.`,
      );
    }
    for (const { case: caseName, ours, metric, factor, byRival } of slower) {
      const rivals = Object.entries(byRival).map(([rival, one]) => `${one.toFixed(2)} × against ${rival}`);
      say(
        `  SLOWER  ${name}, ${caseName}, ${ours}: ${current.metrics[metric]?.label ?? metric} ${factor.toFixed(2)} × (${rivals.join(', ')})`,
      );
    }
  }
  if (settings.quick && regressions > 0)
    return say('This was a short run. If it names a case, run the whole scenario before you conclude anything.');
  if (regressions > 0) process.exitCode = 1;
}

function writeAll(): void {
  const missing = writeDocuments(scenarioNames);
  say(
    `Written: benchmarks/results/*.md and *.svg, and the figures of docs/performance.md, docs/infrastructure.md and README.md.${missing.length === 0 ? '' : ` No saved run (of this form) of ${missing.join(', ')}.`}`,
  );
}

function namesOf(given: readonly string[]): readonly string[] {
  const unknown = given.find((name) => !scenarioNames.includes(name));
  if (unknown !== undefined) throw new Error(`Unknown scenario ${unknown}.\n${USAGE}`);
  return given.length === 0 ? scenarioNames : given;
}

function oneOf<T extends string>(option: string, allowed: readonly T[], given: string): T {
  const found = allowed.find((one) => one === given);
  if (found === undefined) throw new Error(`--${option} may be ${allowed.join(' or ')}; given: ${given}.`);
  return found;
}

function positiveNumber(name: string, text: string | undefined, whole: boolean): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)) || (whole && !Number.isInteger(value)))
    throw new Error(`--${name} must be a positive ${whole ? 'whole ' : ''}number; given: ${text}.`);
  return value;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What is done, with a clean line before it. */
function log(text: string): void {
  progress('');
  complain(text);
}

/** One line on a terminal that rewrites itself. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}

try {
  await main();
} catch (error) {
  complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
