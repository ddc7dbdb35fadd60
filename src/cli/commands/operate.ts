/** The commands that act on a running process: evict, suspend, resume, resize, invalidate, breaker and drain. */

import { checkedSize, LARGEST_CONNECTION_LIMIT, PoolError, type SizeRange, sizeText } from '../../engine/index.js';
import { pause, performance } from '../../engine/waiting/index.js';
import type { ActionRecord } from '../../monitor/live/index.js';
import {
  type Call,
  type CommandSpec,
  type CommandOption,
  type CommandOptions,
  defineCommand,
  EXIT,
  type ExitCode,
  MonitoringAddress,
  UsageError,
} from '../console/index.js';
import { addressOptions } from './probe.js';

const TOKEN_NOTE = "Set POOLWRIGHT_OPERATE_TOKEN to the process's own token. The process records the action in its action log.";

const operateOptions = {
  ...addressOptions,
  pool: { kind: 'text', value: 'NAME', about: "The pool's name. Optional if the process has only one pool." },
} as const satisfies Record<string, CommandOption>;

type OperateCall = Call<typeof operateOptions & CommandOptions>;

function operation(name: 'evict' | 'suspend' | 'resume', summary: string, done: string): CommandSpec {
  return defineCommand({
    name,
    summary,
    notes: [TOKEN_NOTE],
    operands: [],
    options: operateOptions,
    async run(call) {
      const { process, pool } = await target(call);
      await process.mutate(`monitoring.${name}`, { pool });
      return said(call, { pool, action: name }, `${pool}: ${done}`);
    },
  });
}

export const evict = operation(
  'evict',
  "Replaces a running process's connections: idle ones now, lent ones at release. Use it after a fail-over, or with a new certificate or password.",
  'connections are being replaced',
);

export const suspend = operation(
  'suspend',
  'Stops a running process from lending connections until `resume`. Acquires wait, and their deadlines continue to run.',
  'suspended',
);

export const resume = operation('resume', 'Ends `suspend`.', 'resumed');

export const resize: CommandSpec = defineCommand({
  name: 'resize',
  summary: "Changes the connectionLimit of a running process's pool until the process restarts: a number, or a range such as 5-50.",
  notes: [TOKEN_NOTE],
  operands: ['<limit>'],
  options: operateOptions,
  async run(call) {
    const connectionLimit = readSize(call.operands[0] ?? '');
    const { process, pool } = await target(call);
    await process.mutate('monitoring.resize', { pool, connectionLimit });
    return said(call, { pool, action: 'resize', connectionLimit }, `${pool}: the limit is ${sizeText(connectionLimit)}`);
  },
});

/** @throws UsageError */
function readSize(text: string): number | SizeRange {
  try {
    return checkedSize('<limit>', text, LARGEST_CONNECTION_LIMIT);
  } catch (error) {
    if (error instanceof PoolError) throw new UsageError(error.message);
    throw error;
  }
}

export const invalidate: CommandSpec = defineCommand({
  name: 'invalidate',
  summary: "Invalidates values of a running process's cache, in all processes that share the cache.",
  notes: [TOKEN_NOTE],
  operands: [],
  options: {
    ...operateOptions,
    tags: { kind: 'text', value: 'TAGS', about: 'Values with these tags, separated by commas.' },
    tables: { kind: 'text', value: 'TABLES', about: 'Values from these tables, separated by commas.' },
    all: { kind: 'flag', about: 'All values.' },
  },
  async run(call) {
    const { tags, tables, all } = call.values;
    const given = {
      ...(tags === undefined ? {} : { tags: listed(tags) }),
      ...(tables === undefined ? {} : { tables: listed(tables) }),
      ...(all ? { all: true } : {}),
    };
    if (Object.keys(given).length === 0) throw new UsageError('invalidate takes --tags, --tables or --all.');
    const { process, pool } = await target(call);
    await process.mutate('monitoring.invalidate', { pool, ...given });
    return said(call, { pool, action: 'invalidate', ...given }, `${pool}: invalidated`);
  },
});

function listed(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

const BREAKER_ACTIONS = { isolate: 'monitoring.isolateBreaker', close: 'monitoring.closeBreaker' } as const;

export const breaker: CommandSpec = defineCommand({
  name: 'breaker',
  summary: 'Holds a breaker of a running process open until you close it; or closes it, even if the application holds it open.',
  notes: [TOKEN_NOTE],
  operands: ['<isolate|close>', '<name>'],
  options: { ...operateOptions, reason: { kind: 'text', value: 'TEXT', about: 'The reason that refused callers see.' } },
  async run(call) {
    const [what = '', name = ''] = call.operands;
    if (!Object.hasOwn(BREAKER_ACTIONS, what) || name === '') {
      throw new UsageError(`breaker takes isolate or close, and the breaker's name; given: '${call.operands.join(' ')}'.`);
    }
    const process = operated(call);
    const { breakers } = (await process.query('monitoring.circuitBreakers')) as { readonly breakers: readonly NamedBreaker[] };
    const named = breakers.filter((one) => one.name === name && (call.values.pool === undefined || one.pool === call.values.pool));
    const [found, ...others] = named;
    if (found === undefined) {
      const known = breakers.map(whoseBreaker).join(', ');
      throw new UsageError(`There is no such breaker; there are: ${known === '' ? 'none' : known}.`);
    }
    if (others.length > 0)
      throw new UsageError(`There are several breakers: ${named.map(whoseBreaker).join(', ')}; choose one with --pool.`);
    const { reason } = call.values;
    const given = { pool: found.pool, breaker: name, ...(what === 'isolate' && reason !== undefined ? { reason } : {}) };
    await process.mutate(BREAKER_ACTIONS[what as keyof typeof BREAKER_ACTIONS], given);
    return said(call, { action: what, ...given }, `breaker ${whoseBreaker(found)}: ${what === 'isolate' ? 'isolated' : 'closed'}`);
  },
});

interface NamedBreaker {
  readonly pool: string | null;
  readonly name: string;
}

function whoseBreaker({ pool, name }: NamedBreaker): string {
  return pool === null ? name : `${name} of ${pool}`;
}

const POLL_MS = 100;
/** The pool keeps its own deadline; this is for the network. */
const GRACE_MS = 5_000;

export const drain: CommandSpec = defineCommand({
  name: 'drain',
  summary:
    "Ends a running process's pool gracefully: it takes no new work, and borrowers may finish before the deadline. Waits for the end.",
  notes: [
    TOKEN_NOTE,
    'The pool stays closed: later calls of the process fail with POOL_CLOSED. Take the process out of the load balancer first.',
    'On SIGTERM, let the process drain its pools itself. Exit code 1: borrowers were cut off at the deadline.',
  ],
  operands: [],
  options: {
    ...operateOptions,
    within: {
      kind: 'number',
      value: 'MS',
      min: 0,
      max: 3_600_000,
      default: 30_000,
      about: 'How long borrowers have to finish, in milliseconds.',
    },
  },
  async run(call) {
    const { process, pool } = await target(call);
    const before = new Set((await actionsOf(process)).map((record) => JSON.stringify(record)));
    await process.mutate('monitoring.drain', { pool, timeoutMs: call.values.within });
    const record = await call.terminal.during(() => `draining ${pool}`, endOfDrain(process, pool, before, call));
    said(
      call,
      { pool, action: 'drain', outcome: record.outcome, detail: record.error ?? record.detail },
      `${pool}: ${record.error ?? record.detail}`,
    );
    return record.complete === true ? EXIT.ok : EXIT.failed;
  },
});

async function endOfDrain(
  process: MonitoringAddress,
  pool: string,
  before: ReadonlySet<string>,
  { stop, values }: Call,
): Promise<ActionRecord> {
  const deadline = performance.now() + Number(values['within']) + GRACE_MS;
  for (;;) {
    const ended = (await actionsOf(process)).find(
      (record) => record.action === 'drain' && record.pool === pool && record.outcome !== 'started' && !before.has(JSON.stringify(record)),
    );
    if (ended !== undefined) return ended;
    if (stop.aborted || performance.now() > deadline) throw new Error(`pool '${pool}' is still draining.`);
    await pause(POLL_MS);
  }
}

async function actionsOf(process: MonitoringAddress): Promise<readonly ActionRecord[]> {
  return ((await process.query('monitoring.actionLog')) as { readonly actions: readonly ActionRecord[] }).actions;
}

/** @throws UsageError when no pool is named and there are several */
async function target(call: OperateCall): Promise<{ readonly process: MonitoringAddress; readonly pool: string }> {
  const { values } = call;
  const process = operated(call);
  if (values.pool !== undefined) return { process, pool: values.pool };
  const { body } = await process.get('/readyz', [503]);
  const { pools } = JSON.parse(body) as { readonly pools: readonly { readonly pool?: string }[] };
  const names = pools.flatMap(({ pool }) => pool ?? []);
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return { process, pool: only };
  const reason = names.length === 0 ? 'The process shows no pool to this token' : `There are several pools: ${names.join(', ')}`;
  throw new UsageError(`${reason}; choose one with --pool.`);
}

function operated({ values, environment }: OperateCall): MonitoringAddress {
  const token = environment['POOLWRIGHT_OPERATE_TOKEN'];
  if (token === undefined || token === '') throw new UsageError("Set POOLWRIGHT_OPERATE_TOKEN to the process's own token.");
  return new MonitoringAddress(values.address, environment, values.timeout, token);
}

function said({ terminal }: OperateCall, value: object, words: string): ExitCode {
  if (terminal.json) terminal.sayJson(value);
  else terminal.say(words);
  return EXIT.ok;
}
