/** A run: a fleet under load, fault after fault in random order, and what was seen at the server and in the processes. */

import { moveDemand, type RealFault } from './faults.js';
import type { Member, RealFleet } from './real-fleet.js';

/** What was seen during one fault and after it. */
export interface Phase {
  readonly fault: string;
  /** Statements per second. */
  readonly goodput: number;
  /** The most connections of the account in any sample, and of frozen processes among them. */
  readonly most: number;
  readonly ofFrozen: number;
  readonly samples: number;
  /** The most that the ledger knew as overhang, by what processes said. */
  readonly overhang: number;
  /** How many processes are in which phase at the end, and why requests to the ledger failed last. */
  readonly members: string;
  /** Processes that were neither frozen nor cut off from the database, and answered nothing. */
  readonly stuck: readonly string[];
}

/** What a run has found. */
export interface Found {
  readonly phases: readonly Phase[];
  /** Failed statements of processes to which nothing was done that lets them fail, as 'name: code × count'. */
  readonly failures: readonly string[];
}

const RECOVERY_LEASES = 2;
const LOOK_MS = 100;
/** A minute. */
const PATIENT_LOOKS = 600;

/** The faults in random order. */
export function shuffledBy<T>(random: () => number, all: readonly T[]): readonly T[] {
  const left = [...all];
  return all.map(() => left.splice(Math.floor(random() * left.length), 1)[0] as T);
}

export async function runFaults(
  fleet: RealFleet,
  faults: readonly RealFault[],
  random: () => number,
  say: (line: string) => void,
): Promise<Found> {
  const phases: Phase[] = [];
  const { pace } = fleet.options;
  const look = async (name: string, leases: number, begin: () => void | Promise<void>): Promise<void> => {
    const phase = await phaseOf(fleet, name, leases * pace, begin);
    phases.push(phase);
    say(
      `${name}: ${phase.goodput.toFixed(0)} statements/s, at most ${phase.most} of ${fleet.options.budget} connections` +
        `${phase.ofFrozen > 0 ? `, ${phase.ofFrozen} of them of frozen processes` : ''}${phase.overhang > 0 ? `, overhang ${phase.overhang}` : ''}` +
        ` (${phase.samples} samples; ${phase.members})${phase.stuck.length > 0 ? `; no answers: ${phase.stuck.join()}` : ''}`,
    );
  };
  await look('at the beginning', 5, () => moveDemand(fleet, random));
  for (const fault of faults) {
    await look(fault.name, fault.leases, () => fault.begin(fleet, random));
    await look('  after it', RECOVERY_LEASES, async () => {
      await fault.end?.(fleet);
      if (random() < 0.5) moveDemand(fleet, random);
    });
  }
  return { phases, failures: [...fleet.members, ...fleet.gone].flatMap(failuresOf) };
}

async function phaseOf(fleet: RealFleet, fault: string, leases: number, begin: () => void | Promise<void>): Promise<Phase> {
  const startedAt = performance.now();
  fleet.sampler.takeHighest();
  const before = new Map([...fleet.members, ...fleet.gone].map((member) => [member, member.process.report.done]));
  let overhang = 0;
  const watching = setInterval(() => {
    for (const { process } of fleet.members) if (!process.frozen) overhang = Math.max(overhang, process.report.fleet?.overhang ?? 0);
  }, 100);
  await begin();
  await new Promise((resolve) => setTimeout(resolve, leases * fleet.options.leaseMs));
  const doneBy = (member: Member): number => member.process.report.done - (before.get(member) ?? 0);
  const waiting = (): readonly Member[] =>
    fleet.members.filter((member) => !member.process.frozen && !member.process.excused && doneBy(member) === 0);
  // A busy machine may have given a process no time yet.
  for (let look = 0; look < PATIENT_LOOKS && waiting().length > 0; look++) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  clearInterval(watching);
  const seconds = (performance.now() - startedAt) / 1_000;
  const { connections: most, ofFrozen, samples } = fleet.sampler.takeHighest();
  const goodput = [...fleet.members, ...fleet.gone].reduce((sum, member) => sum + doneBy(member), 0) / seconds;
  const stuck = waiting();
  return { fault, goodput, most, ofFrozen, samples, overhang, stuck: stuck.map(({ name }) => name), members: membersOf(fleet) };
}

function failuresOf({ name, process }: Member): readonly string[] {
  if (process.excused) return [];
  return Object.entries(process.report.failed).map(([code, count]) => `${name}: ${code} × ${count}`);
}

/** What processes say of themselves: each phase with how many are in it, what the ledger has granted, and its failures. */
function membersOf({ members }: RealFleet): string {
  const words = new Map<string, number>();
  const count = (word: string): void => void words.set(word, (words.get(word) ?? 0) + 1);
  let [granted, failures, answers] = [0, 0, 0];
  for (const { fleet } of members.map(({ process }) => process.report)) {
    if (fleet === undefined) continue;
    count(fleet.phase);
    if (fleet.ledger.failure !== undefined) count(fleet.ledger.failure);
    granted = Math.max(granted, fleet.granted);
    failures += fleet.ledger.failures;
    answers += fleet.ledger.answers;
  }
  const counted = [...words].map(([word, times]) => `${times} ${word}`).join(', ');
  return `${counted}; ${granted} granted, ${answers} answers and ${failures} failures of the ledger so far`;
}
