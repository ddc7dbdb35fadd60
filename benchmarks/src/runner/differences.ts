import type { Difference, Figures, Scenario } from '../scenario.js';

type ByContestant = ReadonlyMap<string, readonly Figures[]>;

/**
 * Adds to each contestant's rounds what it costs beyond another one. Both were measured within the same round, one soon after the other, so that
 * what slows the machine down slows down both.
 */
export function withDifferences(figures: ByContestant, { differences = {} }: Pick<Scenario, 'differences'>): ByContestant {
  return new Map(
    [...figures].map(([contestant, rounds]) => [
      contestant,
      rounds.map((own, round) => ({ ...own, ...differencesOf(own, figures, differences, contestant, round) })),
    ]),
  );
}

function differencesOf(
  own: Figures,
  all: ByContestant,
  differences: Readonly<Record<string, Difference>>,
  contestant: string,
  round: number,
): Figures {
  const found: Record<string, number> = {};
  for (const [name, { of, beyond }] of Object.entries(differences)) {
    const other = all.get(beyond[contestant] ?? '')?.[round]?.[of];
    const value = own[of];
    if (other !== undefined && value !== undefined) found[name] = value - other;
  }
  return found;
}
