import type { Measurement } from '../runner/rounds.js';
import { STEADY_MACHINE } from '../conditions/calibration.js';
import { NODE_LINES, type NodeLine } from '../conditions/runtimes.js';
import type { ServerName } from '../runner/servers.js';
import type { Figures, Metric, Scenario } from '../scenario.js';
import type { Machine } from './machine.js';
import { ratiosOf, type Spread, spreadOf } from './statistics.js';

/** Counted up when the form changes, so that no run is compared with one of another form. */
export const FORM = 2;

/** One contestant in one case. */
export interface Row {
  readonly case: string;
  readonly contestant: string;
  /** For each metric that it has. */
  readonly figures: Readonly<Record<string, Spread>>;
  /** For each compared metric, for each of ours: how many times ours its figure is, round by round. Above 1, we are ahead. */
  readonly ratios: Readonly<Record<string, Readonly<Record<string, Spread>>>>;
  /** Every round as it was, so that all of the above can be computed again. */
  readonly rounds: readonly Figures[];
  readonly gaveUp?: string;
}

/** A run of one scenario, as it is kept. */
export interface Report {
  readonly form: number;
  readonly scenario: string;
  readonly title: string;
  readonly about: string;
  readonly heldFixed: readonly string[];
  readonly command: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly scale: number;
  readonly quick: boolean;
  readonly ours: readonly string[];
  readonly limits: readonly string[];
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly rows: readonly Row[];
}

export interface RunConditions {
  readonly server: ServerName;
  readonly line: NodeLine;
  readonly machine: Machine;
  readonly rounds: number;
  readonly scale: number;
  readonly quick: boolean;
}

/** What a scenario with `ownCores` holds fixed beside what it says itself. */
const OWN_CORES =
  'Where the machine has two cores, the server and the contestants run on different ones, because they run on different machines in production. If they share cores, the server’s share of the time depends on the scheduler. MariaDB then serves all connections with one group of threads for each of its cores, so that it does not limit the pools. Cases that write share all cores: the server needs more than one.';

export function reportOf(scenario: Scenario, measurements: readonly Measurement[], { server, line, ...conditions }: RunConditions): Report {
  const { name, title, about, heldFixed, ours, limits, metrics } = scenario;
  return {
    form: FORM,
    scenario: name,
    title,
    about,
    heldFixed: [...heldFixed, ...(scenario.steadyMachine ? [STEADY_MACHINE] : []), ...(scenario.ownCores ? [OWN_CORES] : [])],
    command: `npm run bench -- ${name}${server === 'mariadb' ? '' : ` --server ${server}`}${line === NODE_LINES[0] ? '' : ` --node ${line}`}`,
    ...conditions,
    ours,
    limits,
    metrics,
    rows: measurements.map((measurement) => rowOf(measurement, measurements, scenario)),
  };
}

function rowOf(measurement: Measurement, all: readonly Measurement[], { metrics, ours }: Scenario): Row {
  const { contestant, rounds, gaveUp } = measurement;
  const figures: Record<string, Spread> = {};
  const ratios: Record<string, Record<string, Spread>> = {};
  for (const [name, metric] of Object.entries(metrics)) {
    const values = valuesOf(measurement, name);
    if (values === undefined) continue;
    figures[name] = spreadOf(values);
    if (metric.compared !== true) continue;
    for (const own of ours) {
      const ourMeasurement = all.find((other) => other.case === measurement.case && other.contestant === own);
      const ourValues = ourMeasurement === undefined ? undefined : valuesOf(ourMeasurement, name);
      const ratio = ourValues === undefined ? undefined : ratiosOf(values, ourValues);
      if (ratio !== undefined) (ratios[name] ??= {})[own] = ratio;
    }
  }
  return { case: measurement.case, contestant, figures, ratios, rounds, ...(gaveUp === undefined ? {} : { gaveUp }) };
}

/** One for each round; undefined when this contestant has no such figure. */
function valuesOf({ rounds }: Measurement, metric: string): readonly number[] | undefined {
  const values = rounds.map((figures) => figures[metric]).filter((value) => value !== undefined);
  return values.length === rounds.length && values.length > 0 ? values : undefined;
}

export function casesOf(report: Report): readonly string[] {
  return [...new Set(report.rows.map((row) => row.case))];
}

export function rowsOf(report: Report, caseName: string): readonly Row[] {
  return report.rows.filter((row) => row.case === caseName);
}

export function isRival(report: Report, contestant: string): boolean {
  return !report.ours.includes(contestant) && !report.limits.includes(contestant);
}
