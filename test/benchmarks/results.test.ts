import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { chartOf } from '../../benchmarks/src/report/chart.js';
import { markdownOf } from '../../benchmarks/src/report/markdown.js';
import { readmeChart, readmeFigures, sizingFigures } from '../../benchmarks/src/report/excerpts.js';
import { performanceFigures } from '../../benchmarks/src/report/performance.js';
import { FORM, type Report } from '../../benchmarks/src/report/report.js';
import { scenarioNames } from '../../benchmarks/src/scenarios/index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const results = `${root}benchmarks/results/`;

const reports = readdirSync(results)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(`${results}${file}`, 'utf8')) as Report)
  .filter(({ form }) => form === FORM)
  .toSorted((a, b) => scenarioNames.indexOf(a.scenario) - scenarioNames.indexOf(b.scenario));

describe('what is published', () => {
  it('has tables and charts that are those of the runs', () => {
    for (const report of reports) {
      expect(readFileSync(`${results}${report.scenario}.md`, 'utf8')).toBe(markdownOf(report));
      expect(readFileSync(`${results}${report.scenario}.svg`, 'utf8')).toBe(chartOf(report));
    }
    expect(readFileSync(`${results}readme.svg`, 'utf8')).toBe(readmeChart(reports));
  });

  it.each([
    ['docs/performance.md', performanceFigures],
    ['docs/infrastructure.md', sizingFigures],
    ['README.md', readmeFigures],
  ])('has figures in %s that are those of the runs', (path, made) => {
    expect(readFileSync(`${root}${path}`, 'utf8')).toContain(`\n\n${made(reports)}\n<!-- end of figures -->`);
  });

  it('is of whole runs', () => {
    expect(reports.filter(({ quick, scale }) => quick || scale !== 1).map(({ scenario }) => scenario)).toEqual([]);
  });
});
