import type { ConnectionPool, OpenPool } from '../../rivals/lender.js';
import type { Case, Contestant, CreateContestant, Figures, Scenario } from '../../scenario.js';
import { warmedConnections } from '../set-up.js';
import { costOf, turnsOf } from '../timing.js';
import { inviteCompany } from './company.js';
import { type Kind, openWork, type Work } from './work.js';

const SIZE = 20;

interface Task extends Case {
  readonly kind: Kind;
  readonly callers: number;
  /** Operations that are measured when all before are done. */
  readonly settled: number;
  /** Whether other clients and foreign code work in the same process, between the stages. */
  readonly mixed?: true;
}

/** How many operations the process has done at the end of each stage. */
const STAGES = [
  { metric: 'cpu1k', upTo: 1_000 },
  { metric: 'cpu10k', upTo: 10_000 },
  { metric: 'cpu50k', upTo: 50_000 },
] as const;

/** Half a second or more. In 0.2 s, the end of V8's warming up was a third of an acquire's time in some processes, and in the stage before in others. */
const SETTLED: Readonly<Record<Kind, number>> = { query: 20_000, execute: 20_000, oltp: 10_000, acquire: 1_500_000 };

function task(kind: Kind, callers: number, mixed = false): Task {
  const name = `${kind}${mixed ? ' in company' : ''}, ${callers === 2_000 ? '2 000' : callers} ${callers === 1 ? 'caller' : 'callers'}`;
  return {
    name,
    kind,
    callers,
    settled: SETTLED[kind] / (callers === 1 && kind !== 'acquire' ? 2 : 1),
    ...(mixed ? { mixed } : {}),
    ...(callers === 200 && !mixed ? { quick: true as const } : {}),
    ...(kind === 'oltp' ? { writes: true as const } : {}),
    // Two processes of the same rival may differ by half.
    ...(callers === 200 && kind !== 'acquire' ? { rounds: 9 } : {}),
  };
}

export const processes: Scenario<Task> = {
  name: 'processes',
  title: 'A process for each figure',
  about:
    'What a pool costs in the first minute of a process, and after it. Each figure comes from a separate process that does nothing else. The CPU columns show the cost of each stage, because services restart often and then run cold code.',
  heldFixed: [
    `A new process for each contestant in each round, in a random order for each round. ${SIZE} connections to one server on the same machine, over loopback without TLS, all open before the first operation.`,
    'query and execute: three columns of a row by primary key, awaited in async functions, each answer checked. acquire: `getConnection()` and `release()`. oltp: the mix of the scenario `oltp`.',
    '"In company": the same process also works with a small pool of Poolwright, of mysql2 and of mariadb, and with foreign code of 64 other shapes, before the first operation and between the stages. Only the contestant is measured.',
    'The stages end after 1 000, 10 000, and 50 000 operations of the process (with one caller, there is no third stage). Time is measured in the stage after them.',
  ],
  cases: [
    ...(['query', 'execute'] as const).flatMap((kind) => [1, 20, 200].map((callers) => task(kind, callers))),
    ...(['query', 'execute'] as const).map((kind) => task(kind, 200, true)),
    ...[20, 100].map((callers) => task('oltp', callers)),
    ...[1, 20, 200, 2_000].map((callers) => task('acquire', callers)),
  ],
  metrics: {
    cpu: { label: 'CPU', unit: 'ns', compared: true },
    time: { label: 'time', unit: 'ns', compared: true, rate: 'operations' },
    cpu1k: { label: 'CPU to 1 000', unit: 'ns', compared: true },
    cpu10k: { label: 'CPU to 10 000', unit: 'ns', compared: true },
    cpu50k: { label: 'CPU to 50 000', unit: 'ns', compared: true },
  },
  ours: ['poolwright'],
  limits: [],
  rounds: 5,
  warmUpRounds: 0,
  freshProcess: true,
  steadyMachine: true,
  ownCores: true,
  roundLimitMs: 60_000,
  contestants: {
    poolwright: contestant(async () => (await import('../../rivals/poolwright.js')).openPoolwright),
    mysql2: contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2),
    'mysql2 callbacks': contestant(async () => (await import('../../rivals/mysql2.js')).openMysql2Callbacks),
    mariadb: contestant(async () => (await import('../../rivals/mariadb.js')).openMariadb),
  },
};

function contestant(load: () => Promise<OpenPool>): CreateContestant<Task> {
  return async (surroundings) => {
    const open = await load();
    const pool = await warmedConnections(open({ address: surroundings.database, limit: SIZE }), SIZE, surroundings);
    return {
      async run(setting, { number, scale }) {
        if (setting.kind === 'oltp' && pool.transaction === undefined) return {};
        await using company = setting.mixed === true ? await inviteCompany(surroundings.database) : undefined;
        const work = await openWork(setting.kind, pool as Required<ConnectionPool>, surroundings.id, number);
        return await alongTheWay(work, setting, scale, async () => await company?.mingle());
      },
      close: () => pool.close(),
    } satisfies Contestant<Task>;
  };
}

/** The cost of each stage, and of what comes after the last one. */
async function alongTheWay(work: Work, { callers, settled }: Task, scale: number, between: () => Promise<void>): Promise<Figures> {
  const stages = callers === 1 ? STAGES.slice(0, 2) : STAGES;
  const costOfNext = async (operations: number): Promise<Figures> => {
    await between();
    const each = turnsOf(operations, callers, scale);
    return { ...(await costOf(each * callers, () => work.run(callers, each))) };
  };
  const found: Record<string, number> = {};
  let done = 0;
  for (const { metric, upTo } of stages) {
    found[metric] = (await costOfNext(upTo - done))['cpu'] as number;
    done = upTo;
  }
  const { time, cpu } = await costOfNext(settled);
  await work.check();
  return { ...found, time: time as number, cpu: cpu as number };
}
