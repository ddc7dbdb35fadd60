/** What the check has found: figures on standard output as JSON, and each broken promise in a sentence on standard error. */

import { Ages, brokenWrites, type FailedRead, longestBreak, type Read, staleReads, type Stray, type Write } from './history.js';

/** A fault, from its beginning until it was repaired. */
export interface Happened {
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** All that is known. */
export interface Evidence {
  readonly seed: number;
  readonly server: string;
  readonly maxLagMs: number;
  readonly writes: readonly Write[];
  readonly reads: readonly Read[];
  readonly failedReads: readonly FailedRead[];
  readonly strays: readonly Stray[];
  /** Servers that executed a write while another one was the writer, and had never given it up. */
  readonly writtenBeside: readonly string[];
  /** How often each id is there at the end. */
  readonly rows: ReadonlyMap<number, number>;
  readonly happened: readonly Happened[];
  /** Reads by route and reason, as the clusters counted them. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** How often a cluster looks at its nodes, in milliseconds: the default. */
const INTERVAL_MS = 1_000;
/** So long after a fault its effects are counted as its own. */
const AFTERMATH_MS = 1_000;
const MOST_SENTENCES = 20;

function countBy<T>(values: readonly T[], key: (value: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[key(value)] = (counts[key(value)] ?? 0) + 1;
  return counts;
}

/** For each kind of fault: how often it happened, and the longest time in which a process made no write, or got no answer to a read. */
function breaks({ writes, reads, happened }: Evidence): Record<string, object> {
  const moments = (of: readonly { readonly worker: number; readonly at: number | undefined }[]): number[][] => {
    const byWorker: number[][] = [];
    for (const { worker, at } of of) if (at !== undefined) (byWorker[worker] ??= []).push(at);
    return byWorker.map((ofWorker) => ofWorker.toSorted((one, other) => one - other));
  };
  const written = moments(writes.map(({ worker, acknowledgedAt }) => ({ worker, at: acknowledgedAt })));
  const answered = moments(reads.map(({ worker, answeredAt }) => ({ worker, at: answeredAt })));
  const longest = (of: number[][], { startedAt, endedAt }: Happened): number =>
    Math.max(...of.map((ofWorker) => longestBreak(ofWorker, startedAt, endedAt + AFTERMATH_MS)));
  const result: Record<string, { times: number; writesMs: number; readsMs: number }> = {};
  for (const fault of happened) {
    const known = result[fault.name] ?? { times: 0, writesMs: 0, readsMs: 0 };
    result[fault.name] = {
      times: known.times + 1,
      writesMs: Math.max(known.writesMs, Math.round(longest(written, fault))),
      readsMs: Math.max(known.readsMs, Math.round(longest(answered, fault))),
    };
  }
  return result;
}

/** @returns whether a promise was broken */
export function printVerdict(evidence: Evidence): boolean {
  const { seed, server, maxLagMs, writes, reads, failedReads, strays, rows, happened, reasons } = evidence;
  const ages = new Ages(writes);
  const boundMs = maxLagMs + INTERVAL_MS;
  const ofKind = (kind: Read['kind']): Read[] => reads.filter((read) => read.kind === kind);
  const longestAge = (of: readonly Read[]): number => of.reduce((most, read) => Math.max(most, ages.of(read)), 0);
  const bounded = ofKind('bounded');
  const tooOld = bounded.filter((read) => ages.of(read) > boundMs);
  const stale = staleReads(reads);
  const during = (at: number): string =>
    happened.find(({ startedAt, endedAt }) => at >= startedAt && at <= endedAt + AFTERMATH_MS)?.name ?? 'peace';
  const describe = (read: Read): string =>
    `process ${read.worker} read version ${read.version} of register ${read.register} from server ${read.server} ` +
    `(${read.kind}, ${read.way}; ${during(read.askedAt)}, at ${Math.round(read.askedAt)})`;
  const unnamed = failedReads.filter(({ code }) => code === '');
  const broken = [
    ...brokenWrites(writes, rows, strays),
    ...evidence.writtenBeside.map((name) => `something was written to ${name} while another server was the writer`),
    ...stale.map((read) => `${describe(read)}, and must see ${read.floor}`),
    ...tooOld.map((read) => `${describe(read)}, ${ages.of(read).toFixed(0)} ms after a later one was acknowledged`),
    ...unnamed.map(({ kind, worker }) => `a read of process ${worker} (${kind}) failed without a code`),
  ];
  const fit = reasons['reader:fit'] ?? 0;
  if (fit === 0 || writes.length === 0) broken.push('no replica has served a read, or nothing was written: nothing was checked');
  const failedWrites = writes.filter(({ code }) => code !== undefined);
  const figures = {
    seed,
    server,
    faults: breaks(evidence),
    writes: {
      acknowledged: writes.length - failedWrites.length,
      failed: countBy(failedWrites, ({ code }) => code ?? ''),
      strays: strays.length,
    },
    reads: countBy(reads, ({ kind }) => kind),
    failedReads: countBy(failedReads, ({ kind, code }) => `${kind} ${code}`),
    routes: reasons,
    staleReads: countBy(stale, ({ kind }) => kind),
    bounded: { boundMs, longestAgeMs: Math.round(longestAge(bounded)), beyond: tooOld.length },
    longestAgeMs: { eventual: Math.round(longestAge(ofKind('eventual'))), writer: Math.round(longestAge(ofKind('writer'))) },
    broken: broken.length,
  };
  console.log(JSON.stringify(figures, undefined, 2));
  for (const sentence of broken.slice(0, MOST_SENTENCES)) console.error(`Broken: ${sentence}.`);
  return broken.length > 0;
}
