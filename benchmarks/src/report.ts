import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import type { Measurement } from './rounds.js';
import type { Scenario } from './scenario.js';

/** Where and with what a run was made. */
export interface Machine {
  readonly date: string;
  readonly node: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly versions: Readonly<Record<string, string>>;
}

export interface Row {
  readonly contestant: string;
  readonly callers: number;
  /** Medians over the rounds. */
  readonly nsPerOperation: number;
  readonly cpuNsPerOperation: number;
  /** How many times our rate is this contestant's: the ratio of the medians, and the lowest and highest ratio of a single round. */
  readonly ourRate: { readonly median: number; readonly lowest: number; readonly highest: number };
}

export interface Report {
  readonly scenario: string;
  readonly about: string;
  readonly command: string;
  readonly machine: Machine;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

const RIVALS = ['mysql2', 'mariadb', 'tarn', 'generic-pool', 'pg-pool'];

export function machine(): Machine {
  const processors = cpus();
  const require = createRequire(import.meta.url);
  const versionOf = (name: string): string => {
    const packageFile = require.resolve.paths(name)?.map((folder) => `${folder}/${name}/package.json`) ?? [];
    for (const file of packageFile) {
      try {
        return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
      } catch {
        // Not in this folder.
      }
    }
    return 'unknown';
  };
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    processor: processors[0]?.model ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    versions: Object.fromEntries(['poolwright', ...RIVALS].map((name) => [name, versionOf(name)])),
  };
}

export function reportOf(scenario: Scenario, measurements: readonly Measurement[], rounds: number): Report {
  const rows = measurements.map((measurement) => {
    const ours = measurements.find(
      ({ contestant, callers }) => contestant === scenario.ours && callers === measurement.callers,
    ) as Measurement;
    const ratios = measurement.nsPerOperation.map((ns, round) => ns / (ours.nsPerOperation[round] as number));
    return {
      contestant: measurement.contestant,
      callers: measurement.callers,
      nsPerOperation: median(measurement.nsPerOperation),
      cpuNsPerOperation: median(measurement.cpuNsPerOperation),
      ourRate: {
        median: median(measurement.nsPerOperation) / median(ours.nsPerOperation),
        lowest: Math.min(...ratios),
        highest: Math.max(...ratios),
      },
    };
  });
  return { scenario: scenario.name, about: scenario.about, command: `npm run bench -- ${scenario.name}`, machine: machine(), rounds, rows };
}

/** A table for people. */
export function markdownOf(report: Report): string {
  const { machine: where } = report;
  const lines = [
    `# ${report.scenario}`,
    '',
    report.about,
    '',
    `Made by \`${report.command}\` on ${where.date}: Node ${where.node}, ${where.cores} × ${where.processor}, ${where.memoryGiB} GiB; ` +
      `${Object.entries(where.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}. Medians of ${report.rounds} interleaved rounds.`,
    '',
    '| callers | contestant | time per operation | CPU per operation | our rate is | in single rounds |',
    '| ---: | --- | ---: | ---: | ---: | ---: |',
    ...report.rows.map(
      ({ callers, contestant, nsPerOperation, cpuNsPerOperation, ourRate }) =>
        `| ${callers} | ${contestant} | ${duration(nsPerOperation)} | ${duration(cpuNsPerOperation)} | ${ourRate.median.toFixed(2)} × | ${ourRate.lowest.toFixed(2)}–${ourRate.highest.toFixed(2)} |`,
    ),
    '',
  ];
  return lines.join('\n');
}

function duration(ns: number): string {
  if (ns < 10_000) return `${ns.toFixed(0)} ns`;
  return ns < 10_000_000 ? `${(ns / 1000).toFixed(1)} µs` : `${(ns / 1e6).toFixed(1)} ms`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
