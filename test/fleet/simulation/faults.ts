/** The faults of the contract, done to a simulated fleet at random. */

import type { FleetSimulation, SimulatedProcess } from './fleet-simulation.js';

/** Something that is undone when its time is over. */
interface Lasting {
  readonly until: number;
  readonly undo: () => void;
}

/** Runs a fleet for some leases, with so many faults in each lease or so. The names of the faults that were done. */
export function runWithFaults(fleet: FleetSimulation, leases: number, perLease = 1): readonly string[] {
  const { random, leaseMs } = fleet.options;
  const lasting: Lasting[] = [];
  const done: string[] = [];
  const steady = { clock: -Infinity, memory: -Infinity };
  const end = fleet.now + leases * leaseMs;
  let next = fleet.now;
  while (fleet.now < end) {
    for (const each of lasting.filter(({ until }) => until <= fleet.now)) {
      each.undo();
      lasting.splice(lasting.indexOf(each), 1);
    }
    if (fleet.now >= next) {
      next = fleet.now + (leaseMs / perLease) * (0.3 + random());
      done.push(fault(fleet, lasting, steady));
    }
    fleet.tick();
  }
  for (const { undo } of lasting) undo();
  return done;
}

function fault(fleet: FleetSimulation, lasting: Lasting[], last: { clock: number; memory: number }): string {
  const { random, leaseMs, processes } = fleet.options;
  const { alive } = fleet;
  const one = (): SimulatedProcess => alive[Math.floor(random() * alive.length)] as SimulatedProcess;
  const some = alive.filter(() => random() < 0.2);
  const until = fleet.now + leaseMs * 6 * random();
  const lasts = (undo: () => void): void => void lasting.push({ until, undo });
  const faults: Readonly<Record<string, () => void>> = {
    'demand moves': () => {
      const hot = new Set(alive.filter(() => random() < 0.2));
      for (const process of alive)
        fleet.want(process, hot.has(process) ? Math.ceil((fleet.options.budget / alive.length) * 6 * random()) : Math.floor(3 * random()));
    },
    'a process is killed': () => {
      if (alive.length > 5) fleet.kill(one());
    },
    'a process is killed and replaced': () => {
      fleet.kill(one());
      fleet.start(5);
    },
    'a process leaves': () => {
      if (alive.length > 5) fleet.leave(one());
    },
    // Two: as many as are killed and leave.
    'processes start': () => {
      for (let count = alive.length; count < Math.min(processes, alive.length + 2); count++) fleet.start(5);
    },
    'processes freeze': () => {
      for (const process of some) {
        process.frozen = true;
        lasts(() => (process.frozen = false));
      }
    },
    'processes are cut off from the ledger': () => {
      for (const process of some) {
        process.cutFromLedger = true;
        lasts(() => (process.cutFromLedger = false));
      }
    },
    'processes are cut off from the database': () => {
      for (const process of some) {
        process.cutFromDatabase = true;
        lasts(() => (process.cutFromDatabase = false));
      }
    },
    'connections are lent for a long time': () => {
      for (const process of some) process.lentUntil = until;
    },
    'the ledger is dead': () => {
      fleet.ledgerDown = true;
      lasts(() => (fleet.ledgerDown = false));
    },
    'the ledger fails over': () => {
      if (fleet.now - last.memory < 3 * leaseMs) return;
      last.memory = fleet.now;
      fleet.failOver(random() < 0.3 ? 'all' : Math.floor(8 * random()));
    },
    "the ledger's clock leaps": () => {
      if (fleet.now - last.clock < 3 * leaseMs) return;
      last.clock = fleet.now;
      fleet.leapClock(random() < 0.5 ? 3_600_000 : -3_600_000);
    },
  };
  const names = Object.keys(faults);
  const name = names[Math.floor(random() * names.length)] as string;
  faults[name]?.();
  return name;
}
