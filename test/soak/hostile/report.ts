/** What a soak with hostile guests has shown, for people and for programs. */
import { writeFileSync } from 'node:fs';
import type { PoolStats } from '../../../src/index.js';
import { type Sample, trendOf } from '../gauges.js';
import { machineOf, RESULTS } from '../machine.js';
import type { Crowd, Experience, Manners } from './crowd.js';

/** A sample at the end of a phase. */
export interface HostileSample extends Sample {
  /** The server's connections, those of the administrator included. */
  readonly threads: number;
  readonly manners: Manners;
}

export interface HostileFindings {
  readonly minutes: number;
  readonly good: number;
  readonly guests: number;
  readonly crowd: Crowd;
  readonly samples: readonly HostileSample[];
  readonly stats: PoolStats;
}

const WARM_UP_FRACTION = 0.1;

const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, one) => sum + one, 0);

export class HostileReport {
  constructor(private readonly findings: HostileFindings) {}

  text(): string {
    const { crowd, minutes, good, guests, stats } = this.findings;
    const { polite, hostile } = crowd.experiences;
    const violations = [...crowd.violations];
    return [
      `${good} good callers and ${guests} guests in ${minutes} minutes. The guests were polite and hostile in turn, 15 s each.`,
      '',
      violations.length === 0
        ? 'No invariant was violated, no polite call failed, the statement breaker stayed closed, nothing was uncaught.'
        : `**Violations:** ${violations.map(([what, times]) => `${what} (${times} times)`).join('; ')}`,
      '',
      '| the good callers, while the guests are | polite | hostile |',
      '| --- | ---: | ---: |',
      this.#row('calls', polite, hostile, ({ calls }) => String(calls)),
      this.#row('failures', polite, hostile, ({ failures }) => String(total(failures))),
      this.#row('median, ms', polite, hostile, (one) => one.percentileMs(50).toFixed(2)),
      this.#row('p99, ms', polite, hostile, (one) => one.percentileMs(99).toFixed(2)),
      this.#row('p99.9, ms', polite, hostile, (one) => one.percentileMs(99.9).toFixed(2)),
      this.#row('connections opened a second, by all', polite, hostile, ({ opened, seconds }) => (opened / seconds).toFixed(1)),
      '',
      'Trends, without the first 10 % of the time:',
      '',
      '| | first | last | lowest | highest | slope per hour |',
      '| --- | ---: | ---: | ---: | ---: | ---: |',
      this.#trend('heap after garbage collection, MiB', 'heapMiB'),
      this.#trend('handles', 'handles'),
      this.#trend('connections at the server', 'threads'),
      '',
      'How the visits of hostile guests ended:',
      '',
      '| misuse | outcome | times |',
      '| --- | --- | ---: |',
      ...[...crowd.visits.hostile]
        .toSorted(([one], [other]) => (one < other ? -1 : 1))
        .map(([key, times]) => `| ${key.replace(': ', ' | ')} | ${times} |`),
      '',
      `Connections: ${stats.opened} opened, ${stats.closed} closed. Statements killed: ${stats.kills}. Sessions reset: ${stats.resets}.`,
    ].join('\n');
  }

  /** Writes soak-hostile.md. */
  write(): void {
    const { minutes } = this.findings;
    const { date, node, processor, cores, memoryGiB, mysql2 } = machineOf();
    const head = [
      '# Soak with hostile guests',
      '',
      'Guests misuse a pool in the ways that once cost others: hostile texts, no text, parameters that cannot be sent, callbacks that throw, short time-outs, kills, changed users, streams destroyed, a signal that lives long.',
      'In every other phase they do the same things rightly. The good callers beside them are compared between the phases.',
      '',
      `\`npm run soak -- --hostile --minutes ${minutes} --record\`, ${date}, Node ${node}, mysql2 ${mysql2}, ${cores} × ${processor}, ${memoryGiB} GiB.`,
      '',
    ];
    writeFileSync(new URL('soak-hostile.md', RESULTS), `${head.join('\n')}\n${this.text()}\n`);
  }

  #row(label: string, polite: Experience, hostile: Experience, show: (experience: Experience) => string): string {
    return `| ${label} | ${show(polite)} | ${show(hostile)} |`;
  }

  #trend(label: string, gauge: 'heapMiB' | 'handles' | 'threads'): string {
    const { samples } = this.findings;
    const { first, last, lowest, highest, slopePerHour } = trendOf(samples.slice(Math.floor(samples.length * WARM_UP_FRACTION)), gauge);
    return `| ${label} | ${[first, last, lowest, highest, slopePerHour].map((value) => value.toFixed(2)).join(' | ')} |`;
  }
}
