/** A write that was acknowledged: the row has this version now, or a later one. Times are of the system's monotonic clock, in milliseconds. */
export interface Write {
  readonly worker: number;
  readonly row: number;
  readonly version: number;
  readonly acknowledgedAt: number;
}

/** A read: when its caller asked, and the version that it was given. */
export interface Read {
  readonly worker: number;
  readonly row: number;
  readonly version: number;
  readonly askedAt: number;
}

/** A read that was given less than had been acknowledged before it was asked. */
export interface StaleRead extends Read {
  /** How long before the asking a newer version was acknowledged, in milliseconds. */
  readonly staleMs: number;
  /** Whether the newer version was written by the reading process itself. */
  readonly own: boolean;
}

/** Every read that was stale, by its own process's writes and by those of all. */
export function staleReads(writes: readonly Write[], reads: readonly Read[]): StaleRead[] {
  const byRow = new Map<number, Write[]>();
  for (const write of writes.toSorted((one, other) => one.version - other.version)) {
    const ofRow = byRow.get(write.row);
    if (ofRow === undefined) byRow.set(write.row, [write]);
    else ofRow.push(write);
  }
  return reads.flatMap((read) => {
    const newer = newerThan(byRow.get(read.row) ?? [], read.version);
    const staleness = (of: readonly Write[]): number =>
      of.reduce((longest, write) => Math.max(longest, read.askedAt - write.acknowledgedAt), 0);
    const ownMs = staleness(newer.filter(({ worker }) => worker === read.worker));
    const staleMs = staleness(newer);
    return [...(ownMs > 0 ? [{ ...read, staleMs: ownMs, own: true }] : []), ...(staleMs > 0 ? [{ ...read, staleMs, own: false }] : [])];
  });
}

/** The writes of a later version; few, for reads are rarely far behind. */
function newerThan(sorted: readonly Write[], version: number): readonly Write[] {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as Write).version <= version) low = middle + 1;
    else high = middle;
  }
  // Acknowledgements are nearly in the order of versions: what was acknowledged first is among the first of these.
  return sorted.slice(low, low + 200);
}
