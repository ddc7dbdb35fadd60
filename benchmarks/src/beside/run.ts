import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { currentLoad, describeMachine } from '../report/machine.js';
import { SERVER_SETTINGS } from '../runner/server-settings.js';
import { median, ratiosOf } from '../report/statistics.js';
import { BenchmarkDatabase } from '../runner/database.js';
import { type Figures, WORKS } from './work.js';

/**
 * Compares this build with the build of another checkout, in alternating processes on the same machine and database.
 *
 *     git worktree add ../before <commit> && (cd ../before && npm ci && npm run build)
 *     npm run bench:beside -- ../before [--rounds 9] [--case acquire] [--write]
 *
 * A ratio above 1 means that this build is faster or cheaper. With --write the table goes to benchmarks/results/beside.md.
 */
const WORKER = fileURLToPath(new URL('worker.js', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const START_ROUNDS_FACTOR = 3;

type Side = 'before' | 'after';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '9' },
      case: { type: 'string', default: '' },
      write: { type: 'boolean', default: false },
    },
  });
  const [folder] = positionals;
  if (folder === undefined) throw new Error('Name the folder of the other checkout, which is built: npm run bench:beside -- <folder>');
  const folders: Record<Side, string> = { before: resolve(process.env['INIT_CWD'] ?? '.', folder), after: ROOT };
  const loadBefore = currentLoad();
  await using database = await BenchmarkDatabase.start();
  const { database: address } = await database.surroundingsFor('beside', undefined);
  const url = `mysql://${address.user}:${encodeURIComponent(address.password)}@${address.host}:${address.port}/${address.database}`;
  const lines = [
    '| work | figure | before | after | before / after, median of the rounds | lowest | highest |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
  ];
  for (const name of ['start', ...Object.keys(WORKS)].filter((one) => one.includes(values.case))) {
    const rounds = Number(values.rounds) * (name === 'start' ? START_ROUNDS_FACTOR : 1);
    const measured = compare(name, rounds, folders, url);
    for (const line of linesOf(name, measured)) {
      lines.push(line);
      console.log(line);
    }
  }
  const machine = describeMachine(await database.version(), loadBefore, SERVER_SETTINGS);
  const title = `Build ${commitOf(folders.after)} beside build ${commitOf(folders.before)}, ${values.rounds} rounds (start: ${Number(values.rounds) * START_ROUNDS_FACTOR}), processes in turn. A ratio above 1: the later build is faster or cheaper.`;
  const text = [
    '# This build beside another one',
    '',
    title,
    '',
    `${machine.date}, Node ${machine.node}, ${machine.server}, ${machine.cores} cores, ${machine.system}; load before: ${machine.loadBefore}. Command: \`npm run bench:beside -- <folder of the other checkout> --write\`. Times of \`start\` are milliseconds, all others nanoseconds for a call.`,
    '',
    ...lines,
    '',
  ].join('\n');
  if (values.write) writeFileSync(join(ROOT, 'benchmarks/results/beside.md'), text);
}

/** One process for each side in each round; the sides take turns to be first. */
function compare(name: string, rounds: number, folders: Readonly<Record<Side, string>>, url: string): Record<Side, Figures[]> {
  const measured: Record<Side, Figures[]> = { before: [], after: [] };
  for (let round = 0; round < rounds; round += 1) {
    const order: readonly Side[] = round % 2 === 0 ? ['before', 'after'] : ['after', 'before'];
    for (const side of order) {
      const module = pathToFileURL(join(folders[side], 'dist/index.js')).href;
      measured[side].push(JSON.parse(execFileSync(execPath, [WORKER, module, url, name], { encoding: 'utf8' })) as Figures);
    }
  }
  return measured;
}

function linesOf(name: string, { before, after }: Readonly<Record<Side, readonly Figures[]>>): string[] {
  return Object.keys(after[0] ?? {}).map((figure) => {
    const [old, now] = [before, after].map((all) => all.map((figures) => figures[figure] as number)) as [number[], number[]];
    const ratios = ratiosOf(old, now);
    const cells = [
      median(old).toFixed(1),
      median(now).toFixed(1),
      ...[ratios?.median, ratios?.lowest, ratios?.highest].map((ratio) => ratio?.toFixed(3) ?? ''),
    ];
    return `| ${name} | ${figure} | ${cells.join(' | ')} |`;
  });
}

function commitOf(folder: string): string {
  return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: folder, encoding: 'utf8' }).trim();
}

await main();
