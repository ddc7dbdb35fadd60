/** What the processes of the check have seen, and what of it breaks a promise. Times are of the machine's monotonic clock, in milliseconds. */

/** A write: an id that is its own, a version of a register, or both. */
export interface Write {
  readonly worker: number;
  readonly way: string;
  /** Of the row that it inserts; undefined: it only raises a register. */
  readonly id: number | undefined;
  readonly register: number;
  /** The version to which it raised its register; 0: it raised none, or that is not known. */
  readonly version: number;
  /** It has not been sent before. */
  readonly sentAt: number;
  /** undefined: it was not acknowledged. */
  readonly acknowledgedAt: number | undefined;
  /** Of its error. Empty: it has none. undefined: it did not fail. */
  readonly code: string | undefined;
}

/** 'own': in a scope. 'process': outside of any. 'after': a position of another process. 'count': of a row that was inserted. */
export type ReadKind = 'own' | 'process' | 'after' | 'count' | 'bounded' | 'eventual' | 'writer';

/** A read that was answered. */
export interface Read {
  readonly worker: number;
  readonly kind: ReadKind;
  readonly way: string;
  readonly register: number;
  readonly version: number;
  /** What it must at least be given. */
  readonly floor: number;
  readonly askedAt: number;
  readonly answeredAt: number;
  /** The number of the server that has answered. */
  readonly server: number;
}

/** A read that failed. */
export interface FailedRead {
  readonly worker: number;
  readonly kind: ReadKind;
  readonly code: string;
}

/** A row on a server that was replaced, which the server in its place does not have. */
export interface Stray {
  readonly id: number;
  readonly server: string;
  /** When a worker's cluster had followed the other writer, by worker. */
  readonly followedAt: ReadonlyMap<number, number>;
}

/** Codes of errors that say that nothing was written. */
const WRITTEN_NEVER = /^(?:POOL_ACQUIRE_TIMEOUT|POOL_WRITER_AMBIGUOUS|POOL_QUEUE_FULL|POOL_CONNECT_FAILED|ER_OPTION_PREVENTS_STATEMENT)$/;

/** Reads that were given less than they must be. */
export function staleReads(reads: readonly Read[]): Read[] {
  return reads.filter(({ version, floor }) => version < floor);
}

/** How old the value of a read was: for how long a newer one had been acknowledged when the read was asked for. */
export class Ages {
  readonly #byRegister = new Map<number, { readonly versions: readonly number[]; readonly earliest: readonly number[] }>();

  constructor(writes: readonly Write[]) {
    const known = writes.filter(({ acknowledgedAt, version }) => acknowledgedAt !== undefined && version > 0);
    const byRegister = new Map<number, Write[]>();
    for (const write of known) {
      const ofRegister = byRegister.get(write.register);
      if (ofRegister === undefined) byRegister.set(write.register, [write]);
      else ofRegister.push(write);
    }
    for (const [register, ofRegister] of byRegister) {
      const sorted = ofRegister.toSorted((one, other) => one.version - other.version);
      // The earliest acknowledgement of this version or any later one.
      const earliest: number[] = [];
      let least = Number.POSITIVE_INFINITY;
      for (const write of sorted.toReversed()) {
        least = Math.min(least, write.acknowledgedAt ?? least);
        earliest.unshift(least);
      }
      this.#byRegister.set(register, { versions: sorted.map(({ version }) => version), earliest });
    }
  }

  /** 0: it was given the newest. */
  of({ register, version, askedAt }: Pick<Read, 'register' | 'version' | 'askedAt'>): number {
    const known = this.#byRegister.get(register);
    if (known === undefined) return 0;
    let low = 0;
    let high = known.versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((known.versions[middle] ?? 0) <= version) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, askedAt - (known.earliest[low] ?? Number.POSITIVE_INFINITY));
  }
}

/** Every promise about writes that is broken, in a sentence each. */
export function brokenWrites(writes: readonly Write[], rows: ReadonlyMap<number, number>, strays: readonly Stray[]): string[] {
  const broken: string[] = [];
  const byId = new Map<number, Write>();
  for (const write of writes) {
    if (write.code === '') broken.push(`${nameOf(write)} failed without a code`);
    if (write.id === undefined) continue;
    byId.set(write.id, write);
    const count = rows.get(write.id) ?? 0;
    if (count > 1) broken.push(`${nameOf(write)} is there ${count} times`);
    if (count === 0 && write.acknowledgedAt !== undefined) broken.push(`${nameOf(write)} was acknowledged, and is lost`);
    if (count > 0 && write.code !== undefined && WRITTEN_NEVER.test(write.code))
      broken.push(`${nameOf(write)} failed with ${write.code}, and is there`);
  }
  for (const id of rows.keys()) if (!byId.has(id)) broken.push(`row ${id} was written by no process`);
  for (const { id, server, followedAt } of strays) {
    const write = byId.get(id);
    if (write === undefined || write.sentAt > (followedAt.get(write.worker) ?? Number.POSITIVE_INFINITY))
      broken.push(`row ${id} was written to ${server} after its process had followed another writer`);
  }
  return broken;
}

function nameOf({ id, worker, way }: Write): string {
  return `write ${id ?? ''} of process ${worker} (${way})`;
}

/** The longest time between two moments that touches the span, of those of one process. */
export function longestBreak(sorted: readonly number[], from: number, to: number): number {
  let longest = 0;
  for (let index = 1; index < sorted.length; index += 1) {
    const [before, after] = [sorted[index - 1] as number, sorted[index] as number];
    if (after >= from && before <= to) longest = Math.max(longest, after - before);
  }
  return longest;
}
