/** The searches: where each begins, and what can happen in it. */

import type { Search } from './explore.js';
import type { Protocol } from './protocol.js';
import { at, type Fault, HOUR, Model, QUARTER, type World } from './world.js';

const NONE: World['faults'] = { clock: 0, memory: 0, crash: 0, start: 0, late: 0 };

export interface Plan {
  readonly name: string;
  readonly kinds: readonly string[];
  readonly faults: Partial<Record<Fault, number>>;
  /** How deep in the short form, and in the long one. */
  readonly depth: readonly [short: number, long: number];
  /** Whether it begins with members that share the budget, or with a new ledger. */
  readonly warm: boolean;
  /** Members at the beginning; three may exist. */
  readonly members?: number;
  /** More worlds to begin with, made from the warm ones: what lies too deep for the search to reach. */
  readonly also?: (model: Model, warm: readonly World[]) => readonly World[];
}

export const PLANS: readonly Plan[] = [
  {
    name: 'messages late, lost and doubled',
    kinds: ['message', 'renew', 'appetite'],
    faults: { late: 1 },
    depth: [4, 7],
    warm: true,
    also: grantedOnItsWay,
  },
  { name: 'members that are lost and come again', kinds: ['renew', 'appetite', 'pass'], faults: {}, depth: [4, 8], warm: true },
  {
    name: 'messages and counts while a member is lost',
    kinds: ['message', 'count', 'renew'],
    faults: {},
    depth: [4, 8],
    warm: true,
    members: 3,
    also: lostAndAsked,
  },
  {
    name: 'crashes, farewells and new processes',
    kinds: ['renew', 'pass', 'leave'],
    faults: { crash: 1, start: 2 },
    depth: [4, 7],
    warm: true,
  },
  { name: 'clocks that run apart', kinds: ['renew', 'moment', 'pass'], faults: {}, depth: [4, 7], warm: true },
  { name: "the ledger's clock leaps", kinds: ['renew', 'moment'], faults: { clock: 1 }, depth: [5, 8], warm: true, also: leaseNearItsEnd },
  {
    name: 'the ledger loses its memory, or an old copy takes over',
    kinds: ['renew', 'pass'],
    faults: { memory: 1, start: 1 },
    depth: [4, 7],
    warm: true,
  },
  { name: 'a new ledger and new processes', kinds: ['message', 'pass'], faults: { start: 2 }, depth: [4, 7], warm: false, members: 1 },
];

const NUMBERS = { budget: 6, processes: 3, floor: 1 };

/** The search of a plan. */
export function searchOf(plan: Plan, protocol: Protocol, depth: number, worlds: number): Search {
  const model = new Model(protocol, NUMBERS);
  const faults = { ...NONE, ...plan.faults };
  let world = model.empty(NONE);
  for (let member = 0; member < (plan.members ?? 2); member++) world = model.started(world);
  const warm = plan.warm ? warmed(model, { ...world, faults }) : [{ ...world, faults }];
  const from = plan.also === undefined ? warm : [...warm, ...plan.also(model, warm)];
  return { model, from, kinds: new Set(plan.kinds), depth, worlds };
}

/** The answer that gives a member more is on its way to it; and it has asked again, while another asked for more, too. */
function grantedOnItsWay(model: Model, warm: readonly World[]): readonly World[] {
  return warm.flatMap((world) => {
    const sent = model.send(world, 1);
    const granted = model.execute(sent, 1, at(sent, 1).sent.length - 1);
    return [granted, model.renew(model.send(granted, 1), 0)];
  });
}

/** The first member is lost and the second was asked to count: as it is, with a count behind it, and with a report of the third on its way. */
function lostAndAsked(model: Model, warm: readonly World[]): readonly World[] {
  return warm.flatMap((world) => {
    const lost = model.pass(world, [1, 2]);
    const asked = model.renew({ ...lost, now: lost.now + QUARTER }, 1);
    const open = at(asked, 1).holding.open;
    const counted = model.open(model.count(model.open(asked, 1, 0), 1), 1, open);
    return [lost, asked, counted, model.open(model.send(asked, 2), 2, 0)];
  });
}

/** The first member has closed all and is silent; its lease soon ends, and the ledger's clock may have leapt. */
function leaseNearItsEnd(model: Model, warm: readonly World[]): readonly World[] {
  return warm.flatMap((world) => {
    const silent = model.pass(model.open(world, 0, 0), [1], 3);
    return [silent, model.renew({ ...silent, offset: HOUR, faults: { ...silent.faults, clock: 0 } }, 1)];
  });
}

/** Members that have shared the budget for a while, as a search begins with them. */
function warmed(model: Model, world: World): readonly World[] {
  const all = [...world.processes.keys()];
  const oneBusy = shared(model, world, [0]);
  const allIdle = shared(model, world, []);
  return [oneBusy, appetites(oneBusy, all), appetites(oneBusy, [1]), shared(model, world, all), appetites(allIdle, all)];
}

function shared(model: Model, world: World, busy: readonly number[]): World {
  const all = [...world.processes.keys()];
  let next = appetites(world, busy);
  for (let lease = 0; lease < 14; lease++) next = model.pass(next, all);
  for (const index of all) next = model.open(next, index, model.ceiling(at(next, index), next.now));
  return model.pass(next, all);
}

function appetites(world: World, busy: readonly number[]): World {
  return { ...world, processes: world.processes.map((process, index) => ({ ...process, hungry: busy.includes(index) })) };
}
