/** The command doctor: prints the findings of an examination. */

import { type CommandSpec, defineCommand, EXIT, type ExitCode, type Terminal, UsageError } from '../console/index.js';
import type { Diagnosis, Finding, FindingStatus } from '../doctor/index.js';

const MARKS: Readonly<Record<FindingStatus, string>> = { ok: ' ok ', warn: 'warn', fail: 'FAIL', skip: 'skip' };
const STYLES = { ok: 'green', warn: 'yellow', fail: 'red', skip: 'gray' } as const satisfies Record<FindingStatus, string>;

export const doctor: CommandSpec = defineCommand({
  name: 'doctor',
  summary: 'Checks everything that a pool needs from a database, step by step. Shows what it found and what to do about it.',
  notes: [
    'It reads DATABASE_URL and the POOLWRIGHT_… options as the service itself would. You can also give a URL as an operand, but every user',
    'who can list the processes of this machine can see it.',
    'It opens one connection at a time, and a second one to stop a statement or to examine a fleet. Its statements change nothing. It prints no password.',
    'With --cluster, or with several URLs, it examines the nodes of a cluster. If a URL leaves out the account or the database, it takes them from',
    'DATABASE_URL: mysql://b.example.com is enough.',
  ],
  operands: ['[url…]'],
  options: {
    cluster: { kind: 'flag', about: 'Treat the URLs as nodes of a cluster: check each node and how the nodes relate to each other.' },
    processes: {
      kind: 'number',
      value: 'N',
      min: 1,
      max: 100_000,
      default: 1,
      about: 'How many processes run such a pool: replicas × workers.',
    },
    limit: { kind: 'number', value: 'N', min: 1, max: 100_000, about: 'The connectionLimit of each pool, if your code sets it.' },
    replica: { kind: 'flag', about: 'The database is meant to be read-only.' },
    redis: { kind: 'text', value: 'URL', about: 'The Redis of the cache (default REDIS_URL).' },
    pgbouncer: { kind: 'text', value: 'URL', about: 'A PgBouncer to check, too (default PGBOUNCER_URL).' },
    timeout: {
      kind: 'number',
      value: 'MS',
      min: 100,
      max: 60_000,
      default: 5_000,
      about: 'How long each step may wait for another machine, in milliseconds.',
    },
    strict: { kind: 'flag', about: 'Count warnings as problems for the exit code.' },
  },
  async run({ values, operands, terminal, environment }) {
    if (values.cluster && operands.length === 0) throw new UsageError('doctor --cluster takes a URL for each node.');
    if (values.cluster || operands.length > 1) return await examineNodes(operands, values, terminal, environment);
    const { examine } = await import('../doctor/index.js');
    const [target] = operands;
    let doing = 'starting';
    const diagnosis = await terminal.during(
      () => doing,
      examine(
        {
          ...(target === undefined ? {} : { target }),
          ...(values.limit === undefined ? {} : { options: { connectionLimit: values.limit } }),
          processes: values.processes,
          replica: values.replica,
          timeoutMs: values.timeout,
          redisUrl: values.redis ?? environment['REDIS_URL'],
          pgbouncerUrl: values.pgbouncer ?? environment['PGBOUNCER_URL'],
          environment,
        },
        {
          begins: (what) => {
            doing = what;
          },
          found: (finding) => {
            if (!terminal.json) show(terminal, finding);
          },
        },
      ),
    );
    return answer(terminal, diagnosis, values.strict);
  },
});

async function examineNodes(
  targets: readonly string[],
  { timeout, strict }: { readonly timeout: number; readonly strict: boolean },
  terminal: Terminal,
  environment: Readonly<NodeJS.ProcessEnv>,
): Promise<ExitCode> {
  const { examineCluster } = await import('../cluster-doctor/index.js');
  let doing = 'starting';
  const found = (finding: Finding<string>): void => {
    if (!terminal.json) show(terminal, finding);
  };
  const examination = examineCluster({ targets, timeoutMs: timeout, environment }, { begins: (what) => (doing = what), found });
  return answer(terminal, await terminal.during(() => doing, examination), strict);
}

function answer(terminal: Terminal, diagnosis: Diagnosis<string>, strict: boolean): ExitCode {
  if (terminal.json) terminal.sayJson(diagnosis);
  else conclude(terminal, diagnosis);
  const { status } = diagnosis;
  return status === 'problems' || (strict && status === 'warnings') ? EXIT.failed : EXIT.ok;
}

function show(terminal: Terminal, { step, node, status, message, advice }: Finding<string>): void {
  const whose = node === undefined ? '' : `${node}: `;
  terminal.say(`${terminal.paint(STYLES[status], `[${MARKS[status]}]`)} ${step.padEnd(20)}${whose}${message}`);
  if (advice !== undefined) terminal.say(`${' '.repeat(27)}→ ${advice}`);
}

function conclude(terminal: Terminal, { status, findings, notTried, recommendations }: Diagnosis<string>): void {
  const count = (wanted: FindingStatus): number => findings.filter((finding) => finding.status === wanted).length;
  terminal.say('');
  if (notTried.length > 0) terminal.say(`Skipped because of the problem above: ${notTried.join(', ')}.\n`);
  if (recommendations.length > 0) {
    terminal.say('Recommended options:\n');
    for (const { option, value, why } of recommendations) terminal.say(`  ${option}: ${value}, // ${why}`);
    terminal.say('');
  }
  const words = {
    healthy: 'Everything is fine.',
    warnings: `It works. Warnings: ${count('warn')}.`,
    problems: `Problems to fix: ${count('fail')}.`,
  };
  terminal.say(words[status]);
}
