/** The command bench: loads a database with pools of several sizes and recommends a size. */

import type { BenchReport } from '../bench/index.js';
import { effectOf, factsOf } from '../../sql/index.js';
import { type CommandSpec, defineCommand, EXIT, shown, UsageError } from '../console/index.js';

/** Statements that only read, as far as their first word goes. */
const READING: ReadonlySet<string> = new Set(['SELECT', 'WITH', 'SHOW', 'TABLE', 'VALUES', 'DO', 'EXPLAIN', 'DESC', 'DESCRIBE']);

/** Words of a reading statement that locks rows, writes a file or a variable, or takes a number of a sequence. */
const LOCKING_OR_WRITING = /\b(?:into|update|share|lock|get_lock|nextval|setval|next)\b/i;

/** No proof: views and functions may write. The server shows that when the statement runs once in a read-only transaction. */
function looksReadOnly(sql: string): boolean {
  const { first, severalStatements, digest } = factsOf(sql);
  return READING.has(first) && !severalStatements && effectOf(sql, undefined).kind === 'none' && !LOCKING_OR_WRITING.test(digest);
}

export const bench: CommandSpec = defineCommand({
  name: 'bench',
  summary: 'Loads the database in DATABASE_URL with one statement, without a pool and with pools of several sizes, and recommends a size.',
  notes: [
    'The sizes take turns for several rounds, so that other work of the database affects all of them. The recommended size is the',
    'smallest whose rate is within 5 % of the best rate. More connections would only wait inside the server.',
    'This command creates load. Do not run it against a production database at a busy hour. A statement that writes needs --writes.',
  ],
  operands: ['[url]'],
  options: {
    sql: { kind: 'text', value: 'SQL', default: 'SELECT 1', about: 'The statement.' },
    writes: { kind: 'flag', about: 'The statement may write.' },
    execute: { kind: 'flag', about: 'Run it as a prepared statement.' },
    sizes: { kind: 'numbers', value: 'N,N,…', min: 1, max: 10_000, default: [1, 5, 10, 20, 40], about: 'The pool sizes to try.' },
    callers: {
      kind: 'number',
      value: 'N',
      min: 1,
      max: 100_000,
      default: 100,
      about: 'How many statements run or wait at any time.',
    },
    seconds: { kind: 'number', value: 'S', min: 1, max: 3_600, default: 1, about: 'How long each round of each size takes.' },
    rounds: { kind: 'number', value: 'N', min: 1, max: 100, default: 3, about: 'Number of rounds. The result is their median.' },
    'no-baseline': { kind: 'flag', about: 'Leave out the run without a pool: a new connection for each statement.' },
  },
  async run({ values, operands, terminal, stop }) {
    if (!values.writes && !looksReadOnly(values.sql))
      throw new UsageError('--sql does not look like a statement that only reads. If it may write or lock, use --writes.');
    const { runBench } = await import('../bench/index.js');
    const plan = { ...values, url: operands[0], baseline: !values['no-baseline'], stop };
    let doing = 'connecting';
    const report = await terminal.during(
      () => doing,
      runBench(plan, (what) => {
        doing = what;
      }),
    );
    if (terminal.json) terminal.sayJson(report);
    else for (const line of tableOf(report)) terminal.say(line);
    return report.contestants.some(({ failed }) => failed > 0) ? EXIT.failed : EXIT.ok;
  },
});

function tableOf({ server, callers, sql, contestants, recommended, why, skipped }: BenchReport): string[] {
  const cells = contestants.map((one) => [
    one.size === null ? 'no pool' : `pool of ${one.size}`,
    `${Math.round(one.perSecond)}/s`,
    shown(one.p50Ms),
    shown(one.p90Ms),
    shown(one.p99Ms),
    shown(one.maxMs),
    String(one.failed),
  ]);
  const table = [['', 'rate', 'p50', 'p90', 'p99', 'max', 'failed'], ...cells];
  const lines = table.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(14) : cell.padStart(11))).join(''));
  return [
    sql,
    `${server}, ${callers} callers; times include the wait for a connection`,
    '',
    ...lines,
    '',
    ...skipped.map((reason) => `Not tried: ${reason}`),
    recommended === null ? `No recommendation: ${why}` : `Recommended connectionLimit: ${recommended} (${why})`,
    ...contestants.flatMap(({ size, lastError }) =>
      lastError === null ? [] : [`${size === null ? 'no pool' : `pool of ${size}`}: ${lastError}`],
    ),
  ];
}
