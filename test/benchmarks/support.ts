import { FORM, type Report, reportOf } from '../../benchmarks/src/report/report.js';
import type { Machine } from '../../benchmarks/src/report/machine.js';
import type { ServerName } from '../../benchmarks/src/runner/servers.js';
import type { Figures, Scenario } from '../../benchmarks/src/scenario.js';

const machine: Machine = {
  date: '2026-01-02',
  system: 'Linux 6',
  processor: 'a processor',
  cores: 2,
  memoryGiB: 4,
  loadBefore: 0.1,
  node: 'v20.0.0',
  openssl: '3',
  server: '10.11-MariaDB',
  serverSettings: [],
  commit: 'abc',
  versions: { poolwright: '1.0.0' },
};

const scenario: Scenario = {
  name: 'example',
  title: 'An example',
  about: 'What an example shows.',
  heldFixed: ['Everything.'],
  cases: [{ name: 'few' }],
  metrics: { time: { label: 'time', unit: 'ns', compared: true } },
  ours: ['ours'],
  limits: ['limit'],
  contestants: {},
  rounds: 3,
  warmUpRounds: 0,
};

/** A report of one case, from what each contestant took in each round; a text instead says why it gave up. */
export function reportOfRounds(
  times: Readonly<Record<string, readonly number[] | string>>,
  { server, version }: { readonly server: ServerName; readonly version: string } = { server: 'mariadb', version: '10.11-MariaDB' },
): Report {
  const measurements = Object.entries(times).map(([contestant, found]) =>
    typeof found === 'string'
      ? { case: 'few', contestant, rounds: [], gaveUp: found }
      : { case: 'few', contestant, rounds: found.map((time): Figures => ({ time })) },
  );
  const report = reportOf(scenario, measurements, {
    server,
    line: '24',
    machine: { ...machine, server: version },
    rounds: 3,
    scale: 1,
    quick: false,
  });
  if (report.form !== FORM) throw new Error('reportOf made a report of another form');
  return report;
}
