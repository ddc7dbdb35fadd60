/** The faults of the contract, done to a fleet of real processes: each has a beginning, a time in leases, and an end. */

import type { Member, RealFleet } from './real-fleet.js';

export interface RealFault {
  readonly name: string;
  /** How long it lasts. */
  readonly leases: number;
  readonly begin: (fleet: RealFleet, random: () => number) => void | Promise<void>;
  readonly end?: (fleet: RealFleet) => void | Promise<void>;
  /** Statements may fail while it lasts: connections are cut. */
  readonly breaks?: true;
}

function chosen(members: readonly Member[], count: number, random: () => number): readonly Member[] {
  const left = [...members];
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(Math.floor(random() * left.length), 1)[0] as Member);
}

/** One process in five is busy, and the others are not: together they want more than the budget. */
export function moveDemand({ members, options }: RealFleet, random: () => number): void {
  const busy = new Set(chosen(members, Math.max(1, Math.round(members.length / 5)), random));
  const hot = Math.ceil((options.budget / busy.size) * 1.2);
  for (const member of members) member.process.want(busy.has(member) ? hot : 1);
}

function part(fleet: RealFleet): number {
  return Math.max(1, Math.round(fleet.members.length / 6));
}

let harmed: readonly Member[] = [];

/** More than five leases: a minute, for a lease of ten seconds. */
const LONG = 6;

export const REAL_FAULTS: readonly RealFault[] = [
  { name: 'demand moves', leases: 3, begin: moveDemand },
  {
    name: 'processes are killed (SIGKILL) and replaced',
    leases: 4,
    async begin(fleet, random) {
      const victims = chosen(fleet.members, part(fleet), random);
      await Promise.all(victims.map((victim) => fleet.kill(victim)));
      await Promise.all(victims.map(() => fleet.add()));
      moveDemand(fleet, random);
    },
  },
  {
    name: 'processes are frozen (SIGSTOP)',
    leases: LONG,
    begin(fleet, random) {
      harmed = chosen(fleet.members, part(fleet), random);
      for (const { process } of harmed) process.freeze();
    },
    end() {
      for (const { process } of harmed) process.thaw();
    },
  },
  {
    name: 'processes are cut off from the ledger',
    leases: LONG,
    begin(fleet, random) {
      harmed = chosen(fleet.members, part(fleet), random);
      for (const { toLedger } of harmed) toLedger.pause();
    },
    end() {
      for (const { toLedger } of harmed) toLedger.resume();
    },
  },
  {
    name: 'processes are cut off from the database',
    leases: 3,
    breaks: true,
    begin(fleet, random) {
      harmed = chosen(
        fleet.members.filter(({ toDatabase }) => toDatabase !== undefined),
        part(fleet),
        random,
      );
      for (const { toDatabase, process } of harmed) {
        process.excused = true;
        toDatabase?.pause();
      }
    },
    end() {
      for (const { toDatabase } of harmed) toDatabase?.resume();
    },
  },
  {
    name: 'the ledger is killed, and comes back empty',
    leases: 4,
    begin: (fleet) => fleet.redis.current.kill('SIGKILL'),
    end: (fleet) => fleet.redis.current.restart(),
  },
  {
    name: 'the ledger is frozen',
    leases: 3,
    begin: (fleet) => fleet.redis.current.kill('SIGSTOP'),
    end: (fleet) => fleet.redis.current.kill('SIGCONT'),
  },
  {
    name: 'a replica without the last writes takes over from the ledger',
    leases: 3,
    async begin(fleet, random) {
      await fleet.redis.copy();
      await fleet.redis.fallBehind();
      moveDemand(fleet, random);
      // What the ledger grants in this lease is lost.
      await new Promise((resolve) => setTimeout(resolve, fleet.options.leaseMs));
      await fleet.redis.failOver();
      fleet.moveLedger();
    },
    end: (fleet) => fleet.redis.repair(),
  },
  {
    name: 'a deployment doubles the processes',
    leases: 3,
    async begin(fleet, random) {
      const old = [...fleet.members];
      await Promise.all(old.map(() => fleet.add()));
      moveDemand(fleet, random);
      await new Promise((resolve) => setTimeout(resolve, fleet.options.leaseMs));
      await Promise.all(old.map((member) => fleet.end(member)));
      moveDemand(fleet, random);
    },
  },
];
