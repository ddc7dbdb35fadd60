/** F1 to F6 as predicates on a world of the model. */

import type { Model, World } from './world.js';
import { LEASE, processTime } from './world.js';

/** What a world breaks: the promise and the numbers, or undefined. */
export type Promise6 = (model: Model, world: World) => string | undefined;

/** The most that existing processes can have at the server without another answer. */
function potential(model: Model, world: World, ids?: ReadonlySet<string>): number {
  let sum = 0;
  for (const process of world.processes) {
    if (!process.alive || (ids !== undefined && !ids.has(process.holding.options.id))) continue;
    sum += Math.max(model.ceiling(process, world.now), process.holding.open);
  }
  return sum;
}

export const PROMISES: Readonly<Record<string, Promise6>> = {
  'F1: what all processes may have never exceeds the budget': (model, world) => {
    const sum = potential(model, world);
    return sum > model.numbers.budget ? `${sum} of ${model.numbers.budget}` : undefined;
  },
  'F2: the ledger counts for each member at least what it may have': (model, world) => {
    const { ledger } = world;
    for (const process of world.processes) {
      const { id } = process.holding.options;
      const member = ledger?.members.get(id);
      if (!process.alive || ledger === undefined || member === undefined || !model.protocol.isLive(member, ledger.time)) continue;
      if (member.seq < process.holding.seq && process.holding.asked === undefined) continue;
      const most = Math.max(model.ceiling(process, world.now), process.holding.open);
      if (ledger.identity === `ledger ${world.identity}` && ledger.time >= ledger.learningUntil && most > member.accounted)
        return `${id}: ${most}, counted ${member.accounted}`;
    }
    return undefined;
  },
  'F3: a process ends its lease before the ledger does': (model, world) => {
    const { ledger } = world;
    if (ledger === undefined || ledger.identity !== 'ledger 1' || world.identity !== 1 || world.offset !== 0) return undefined;
    for (const { holding, alive } of world.processes) {
      if (!alive || !model.protocol.isHeld(holding, processTime(world))) continue;
      const member = ledger.members.get(holding.options.id);
      if (member === undefined || !model.protocol.isLive(member, ledger.time)) return holding.options.id;
    }
    return undefined;
  },
  'F4: every process that may exist finds its floor free': (model, world) => {
    const alive = world.processes.filter((process) => process.alive).length;
    const sum = potential(model, world) + Math.max(0, model.numbers.processes - alive) * model.numbers.floor;
    return sum > model.numbers.budget ? `${sum} of ${model.numbers.budget}` : undefined;
  },
  'F5: no process falls below its floor, and none has to close what is in use': (model, world) => {
    for (const process of world.processes) {
      const ceiling = model.ceiling(process, world.now);
      if (ceiling < model.numbers.floor) return `${process.holding.options.id}: ${ceiling}`;
    }
    return undefined;
  },
  'F6: what lost members may have is known and kept from the others': (model, world) => {
    const { ledger } = world;
    if (ledger === undefined || ledger.identity !== `ledger ${world.identity}` || ledger.time < ledger.learningUntil + LEASE)
      return undefined;
    const lost = new Set<string>();
    for (const [id, member] of ledger.members) if (!model.protocol.isLive(member, ledger.time)) lost.add(id);
    const live = [...ledger.members].filter(([id]) => !lost.has(id)).map(([, member]) => member);
    const inForce = model.protocol.inForceOf(live, { ...model.numbers });
    const { reserved, overhang } = model.protocol.awayOf(ledger, live.length, inForce);
    const held = potential(model, world, lost);
    return held > reserved + overhang ? `${held} held, ${reserved} kept free, ${overhang} overhang` : undefined;
  },
};
