import { writeFileSync } from 'node:fs';
import type { PoolStats } from '../../src/index.js';
import { GAUGES, type Sample, type Trend, trendOf } from './gauges.js';
import type { Load } from './load.js';
import { machineOf, RESULTS } from './machine.js';

/** How long after the end of a fault the first call succeeded. */
export interface Recovery {
  readonly fault: string;
  readonly ms: number;
}

export interface Findings {
  readonly minutes: number;
  readonly callers: number;
  readonly load: Load;
  readonly samples: readonly Sample[];
  readonly recoveries: readonly Recovery[];
  readonly stats: PoolStats;
}

/** What comes before is warming up: code is compiled, and histograms are filled for the first time. */
const WARM_UP_FRACTION = 0.1;

const LABELS: Readonly<Record<(typeof GAUGES)[number], string>> = {
  heapMiB: 'heap after garbage collection, MiB',
  rssMiB: 'resident memory, MiB',
  handles: 'handles',
  files: 'open files and sockets',
};

/** What a soak has shown, for people and for programs. */
export class Report {
  constructor(private readonly findings: Findings) {}

  text(): string {
    const { load, minutes, callers, stats } = this.findings;
    const violations = [...load.violations];
    const { opened, closed, closedByReason, kills, resets, pings, retries, connectErrors, acquires, timedOut, cancelled, refused } = stats;
    return [
      `${load.ended} calls of ${callers} callers in ${minutes} minutes, ${this.findings.recoveries.length} faults.`,
      '',
      violations.length === 0
        ? 'No invariant was violated, every failure had a code, no call hung, no write was lost, doubled or denied.'
        : `**Violations:** ${violations.map(([what, count]) => `${what} (${count} times)`).join('; ')}`,
      '',
      `Trends, without the first ${WARM_UP_FRACTION * 100} % of the time:`,
      '',
      '| | first | last | lowest | highest | slope per hour |',
      '| --- | ---: | ---: | ---: | ---: | ---: |',
      ...this.#trends().map(
        ([label, { first, last, lowest, highest, slopePerHour }]) =>
          `| ${label} | ${[first, last, lowest, highest, slopePerHour].map((value) => value.toFixed(2)).join(' | ')} |`,
      ),
      '',
      'From the end of a fault to the first call that succeeded, milliseconds:',
      '',
      '| fault | times | median | longest |',
      '| --- | ---: | ---: | ---: |',
      ...this.#recoveries().map(({ fault, times, medianMs, longestMs }) => `| ${fault} | ${times} | ${medianMs} | ${longestMs} |`),
      '',
      'How calls ended:',
      '',
      '| call | outcome | times |',
      '| --- | --- | ---: |',
      ...this.#outcomes().map(([key, times]) => `| ${key.replace(': ', ' | ')} | ${times} |`),
      '',
      `Connections: ${opened} opened, ${closed} closed (${reasons(closedByReason)}), ${connectErrors} attempts failed.`,
      `Acquires: ${acquires}, of which ${timedOut} timed out, ${cancelled} were cancelled, ${refused} refused.`,
      `Statements killed: ${kills}. Sessions reset: ${resets}. Pings: ${pings}. Transactions run again: ${retries}.`,
    ].join('\n');
  }

  /** Writes soak.json and soak.md. */
  write(): void {
    const { load, minutes, callers, stats, samples } = this.findings;
    const machine = machineOf();
    const command = `npm run soak -- --minutes ${minutes} --callers ${callers} --record`;
    const content = {
      command,
      machine,
      minutes,
      callers,
      calls: load.ended,
      violations: Object.fromEntries(load.violations),
      trends: Object.fromEntries(GAUGES.map((gauge) => [gauge, this.#trendOf(gauge)])),
      recoveries: this.#recoveries(),
      outcomes: Object.fromEntries(this.#outcomes()),
      stats,
      samples,
    };
    writeFileSync(new URL('soak.json', RESULTS), `${JSON.stringify(content, undefined, 2)}\n`);
    const { date, node, processor, cores, memoryGiB, mysql2 } = machine;
    const head = [
      '# Soak',
      '',
      'Callers use one pool in every way, as fast as it goes: queries, prepared statements, aborts, timeouts, writes, transactions, connections borrowed by promise and by callback, streams,',
      'while faults are done every few seconds to a real MariaDB and to the network in between. The answers of callers are compared with what the server has.',
      '',
      `\`${command}\`, ${date}, Node ${node}, mysql2 ${mysql2}, ${cores} × ${processor}, ${memoryGiB} GiB. Other work ran on the machine at the same time: rates say nothing.`,
      '',
    ];
    writeFileSync(new URL('soak.md', RESULTS), `${head.join('\n')}\n${this.text()}\n`);
  }

  #outcomes(): readonly (readonly [string, number])[] {
    return [...this.findings.load.outcomes].toSorted(([one], [other]) => (one < other ? -1 : 1));
  }

  #trends(): readonly (readonly [string, Trend])[] {
    return GAUGES.map((gauge) => [LABELS[gauge], this.#trendOf(gauge)] as const);
  }

  #trendOf(gauge: (typeof GAUGES)[number]): Trend {
    const { samples } = this.findings;
    return trendOf(samples.slice(Math.floor(samples.length * WARM_UP_FRACTION)), gauge);
  }

  #recoveries(): readonly { readonly fault: string; readonly times: number; readonly medianMs: number; readonly longestMs: number }[] {
    const faults = [...new Set(this.findings.recoveries.map(({ fault }) => fault))].toSorted();
    return faults.map((fault) => {
      const times = this.findings.recoveries.filter((one) => one.fault === fault).map(({ ms }) => ms);
      times.sort((a, b) => a - b);
      const medianMs = Math.round(times[Math.floor(times.length / 2)] as number);
      return { fault, times: times.length, medianMs, longestMs: Math.round(times[times.length - 1] as number) };
    });
  }
}

function reasons(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
}
