/** Checks a cluster's promises: four processes, faults in an order that a seed repeats, and every answer held against what had happened. */

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createClusterAccount } from '../../support/replication/cluster-on-replication.js';
import { startReplication } from '../../support/replication/replication.js';
import type { ServerKind } from '../../support/sql-servers/kinds.js';
import { FAULTS } from './faults.js';
import type { FailedRead, Read, Stray, Write } from './history.js';
import { Operator } from './operator.js';
import { oneOf, randomFrom, shuffled } from './random.js';
import { type Happened, printVerdict } from './verdict.js';
import { makeTables } from './schema.js';
import type { Order, Report, Task } from './worker.js';

const WORKERS = 4;
const REGISTERS = 40;
const MAX_LAG_MS = 200;
const LONGEST_PEACE_MS = 3_000;
/** Longer than any caller waits. */
const END_TIMEOUT_MS = 60_000;

const [, , seconds = '60', seed = '1', server = 'mysql', only = ''] = process.argv;
const kind = server as ServerKind;
const random = randomFrom(Number(seed));

/** The function that writes exists on the replicas, too. */
const ARGUMENTS = ['--log-bin-trust-function-creators=ON', '--binlog-format=ROW'];

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

await using servers = await startReplication({ kind, semiSync: true, arguments: ARGUMENTS });
const writes: Write[] = [];
const reads: Read[] = [];
const failedReads: FailedRead[] = [];
const strays: Stray[] = [];
const reasons: Record<string, number> = {};
/** When each process has followed which writer. */
const followed: { readonly worker: number; readonly name: string; readonly at: number }[] = [];
let switchedAt = 0;
/** Servers on which something was written although another one was the writer. */
const writtenBeside: string[] = [];
const operator = new Operator(servers, ({ server: old, writer, ids, mayHaveBeenSent, hasMore }) => {
  if (hasMore && !mayHaveBeenSent) writtenBeside.push(old.name);
  const followedAt = new Map<number, number>();
  for (let worker = 0; worker < WORKERS; worker += 1) {
    const first = followed.find((one) => one.worker === worker && one.name === writer.name && one.at >= switchedAt);
    followedAt.set(worker, mayHaveBeenSent ? (first?.at ?? Number.POSITIVE_INFINITY) : 0);
  }
  for (const id of ids) strays.push({ id, server: old.name, followedAt });
});
await makeTables(servers, operator.writer, REGISTERS);
const account = await createClusterAccount(servers, operator.writer);
await operator.settle();

const workers: ChildProcess[] = [];
let endedInOrder = 0;

function say(child: ChildProcess, order: Order): void {
  if (child.connected) child.send(order, () => undefined);
}

function take(report: Report, from: ChildProcess): void {
  if (report.kind === 'history') {
    for (const write of report.writes) writes.push(write);
    for (const read of report.reads) reads.push(read);
    for (const read of report.failed) failedReads.push(read);
  } else if (report.kind === 'writer') followed.push(report);
  else if (report.kind === 'passed') {
    const others = workers.filter((child) => child !== from);
    say(oneOf(Math.random, others), { kind: 'read', passed: report.passed });
  } else if (report.kind === 'end') {
    endedInOrder += 1;
    for (const [reason, count] of Object.entries(report.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count;
  }
}

const script = fileURLToPath(new URL('./worker.js', import.meta.url));
const ready: Promise<unknown>[] = [];
for (let worker = 0; worker < WORKERS; worker += 1) {
  const task: Task = {
    worker,
    seed: Number(seed) + worker + 1,
    nodes: servers.nodes.map((node) => node.url(account)),
    registers: REGISTERS,
    maxLag: MAX_LAG_MS,
  };
  const child = fork(script, [JSON.stringify(task)]);
  ready.push(
    new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`Process ${worker} ended before it was ready.`)));
      child.on('message', (report: Report) => (report.kind === 'ready' ? resolve() : take(report, child)));
    }),
  );
  workers.push(child);
}
const ended = Promise.all(workers.map((child) => once(child, 'exit')));
const happened: Happened[] = [];

/** The names of faults, without an end: all of them, in a new order each time. */
function* plan(): Generator<string> {
  const starts = only.split(',').map((start) => start.trim());
  const names = Object.keys(FAULTS).filter((name) => starts.some((start) => name.startsWith(start)));
  if (names.length === 0) throw new Error(`No fault begins with '${only}'. There are: ${Object.keys(FAULTS).join(', ')}.`);
  for (;;) yield* shuffled(random, names);
}

async function doFault(name: string): Promise<void> {
  const startedAt = now();
  switchedAt = startedAt;
  const signalWorker = (index: number, signal: NodeJS.Signals): void => void workers[index]?.kill(signal);
  try {
    await FAULTS[name]?.({ operator, random, signalWorker, workers: WORKERS });
    await operator.settle();
  } catch (error) {
    throw new Error(`The check's operator failed at '${name}' (seed ${seed})`, { cause: error });
  }
  happened.push({ name, startedAt, endedAt: now() });
}

try {
  await Promise.all(ready);
  const endsAt = now() + Number(seconds) * 1_000;
  await delay(500);
  for (const name of plan()) {
    if (now() >= endsAt) break;
    await doFault(name);
    await delay(300 + random() * LONGEST_PEACE_MS);
  }
  for (const child of workers) say(child, { kind: 'end' });
  await Promise.race([
    ended,
    delay(END_TIMEOUT_MS, undefined, { ref: false }).then(() => {
      throw new Error('A process did not end.');
    }),
  ]);
  await operator.settle();
  const rows = new Map<number, number>();
  for (const row of await operator.writer.admin(`SELECT id, COUNT(*) AS count FROM ${servers.database}.written GROUP BY id`))
    rows.set(Number(row['id']), Number(row['count']));
  const broken = printVerdict({
    seed: Number(seed),
    server,
    maxLagMs: MAX_LAG_MS,
    writes,
    reads,
    failedReads,
    strays,
    writtenBeside,
    rows,
    happened,
    reasons,
  });
  if (broken || endedInOrder !== WORKERS) process.exitCode = 1;
} finally {
  for (const child of workers) child.kill('SIGKILL');
}
