import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chartOf } from '../../benchmarks/src/report/chart.js';
import { markdownOf } from '../../benchmarks/src/report/markdown.js';
import { gainsChart } from '../../benchmarks/src/report/gains-chart.js';
import { measuredGains } from '../../benchmarks/src/report/gains.js';
import { readmeFigures, sizingFigures } from '../../benchmarks/src/report/excerpts.js';
import { scenariosOnEachLine } from '../../benchmarks/src/report/files.js';
import { performanceFigures } from '../../benchmarks/src/report/performance.js';
import { FORM, type Report } from '../../benchmarks/src/report/report.js';
import { scenarioNames } from '../../benchmarks/src/scenarios/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const results = `${root}benchmarks/results/`;

function reportsIn(folder: string): readonly Report[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(`${folder}${file}`, 'utf8')) as Report)
    .filter(({ form }) => form === FORM)
    .toSorted((a, b) => scenarioNames.indexOf(a.scenario) - scenarioNames.indexOf(b.scenario));
}

const reports = reportsIn(results);
const onMySql = reportsIn(`${results}mysql/`);

describe('what is published', () => {
  it('has tables and charts that are those of the runs', () => {
    for (const [folder, found] of [
      [results, reports],
      [`${results}mysql/`, onMySql],
    ] as const) {
      for (const report of found) {
        expect(readFileSync(`${folder}${report.scenario}.md`, 'utf8')).toBe(markdownOf(report));
        expect(readFileSync(`${folder}${report.scenario}.svg`, 'utf8')).toBe(chartOf(report));
      }
    }
    expect(readFileSync(`${results}gains.svg`, 'utf8')).toBe(gainsChart(measuredGains(reports)));
  });

  it.each([
    ['docs/performance.md', performanceFigures],
    ['docs/infrastructure.md', sizingFigures],
    ['README.md', readmeFigures],
  ])('has figures in %s that are those of the runs', (path, made) => {
    expect(readFileSync(`${root}${path}`, 'utf8')).toContain(
      `\n\n${made(reports, onMySql, scenariosOnEachLine())}\n<!-- end of figures -->`,
    );
  });

  it('stands under the server that it was measured on', () => {
    // That scenario starts MySQL servers of its own, no matter which server the run names.
    const chosen = reports.filter(({ scenario }) => scenario !== 'cluster');
    expect(chosen.filter(({ machine }) => !machine.server.includes('MariaDB')).map(({ scenario }) => scenario)).toEqual([]);
    expect(onMySql.filter(({ machine }) => machine.server.includes('MariaDB')).map(({ scenario }) => scenario)).toEqual([]);
  });

  it('is of whole runs', () => {
    expect([...reports, ...onMySql].filter(({ quick, scale }) => quick || scale !== 1).map(({ scenario }) => scenario)).toEqual([]);
  });
});
