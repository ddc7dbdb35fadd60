export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Median, lowest and highest over the rounds. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), lowest: Math.min(...values), highest: Math.max(...values) };
}

/**
 * How many times ours their figure is, round by round: both figures of a ratio were measured within the same round, so what slowed the
 * machine down in one round does not count for or against any contestant. Rounds in which ours was 0 are left out.
 */
export function ratiosOf(theirs: readonly number[], ours: readonly number[]): Spread | undefined {
  const ratios = theirs.map((value, round) => value / (ours[round] ?? Number.NaN)).filter((ratio) => Number.isFinite(ratio));
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}
