import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startMariaDb } from '../../dist/demo/mariadb-server.js';
import { markdownOf, reportOf } from './report.js';
import { runScenario } from './rounds.js';
import type { Scenario } from './scenario.js';
import { scenarioNamed, scenarios } from './scenarios/index.js';

const results = fileURLToPath(new URL('../results/', import.meta.url));

/** `npm run bench` runs all scenarios, `npm run bench -- NAME …` those that are named. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '9' },
      scale: { type: 'string', default: '1' },
      'no-write': { type: 'boolean', default: false },
    },
  });
  const chosen = positionals.length === 0 ? scenarios : positionals.map(scenarioNamed);
  for (const scenario of chosen) {
    const report = await run(scenario, Number(values.rounds), Number(values.scale));
    const text = markdownOf(report);
    process.stdout.write(`${text}\n`);
    if (values['no-write']) continue;
    mkdirSync(results, { recursive: true });
    writeFileSync(`${results}${scenario.name}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
    writeFileSync(`${results}${scenario.name}.md`, text);
  }
}

async function run(scenario: Scenario, rounds: number, scale: number): Promise<ReturnType<typeof reportOf>> {
  const database = scenario.needsDatabase ? await startMariaDb() : undefined;
  try {
    const options = { rounds, warmUp: 2, scale, progress };
    return reportOf(scenario, await runScenario(scenario, { databaseUrl: database?.url() ?? '' }, options), rounds);
  } finally {
    await database?.stop();
    progress('');
  }
}

/** One line on a terminal that rewrites itself. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
}

await main();
