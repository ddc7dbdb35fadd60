/** Breadth-first search through all worlds that a model can reach. */

import { canonical } from './canonical.js';
import { PROMISES } from './promises.js';
import type { Model, World } from './world.js';

/** What was found. */
export interface Explored {
  /** Different worlds. */
  readonly worlds: number;
  readonly steps: number;
  /** How many actions deep every world was looked at. */
  readonly depth: number;
  /** The shortest way to a broken promise. */
  readonly broken?: { readonly promise: string; readonly numbers: string; readonly way: readonly string[] };
}

/** Where a search begins, and how far it goes. */
export interface Search {
  readonly model: Model;
  readonly from: readonly World[];
  readonly kinds: ReadonlySet<string>;
  readonly depth: number;
  /** Ends the search after a level, when more worlds than this are known. */
  readonly worlds: number;
}

interface Reached {
  readonly world: World;
  readonly by: string;
  readonly before: Reached | undefined;
}

export function explore({ model, from, kinds, depth, worlds }: Search): Explored {
  const seen = new Set(from.map(canonical));
  let level: Reached[] = from.map((world) => ({ world, by: 'at the beginning', before: undefined }));
  let steps = 0;
  for (let deep = 0; deep < depth; deep++) {
    const next: Reached[] = [];
    for (const before of level) {
      for (const { name, next: world } of model.actions(before.world, kinds)) {
        steps++;
        const text = canonical(world);
        if (seen.has(text)) continue;
        seen.add(text);
        const reached = { world, by: name, before };
        const broken = brokenIn(model, reached);
        if (broken !== undefined) return { worlds: seen.size, steps, depth: deep + 1, broken };
        next.push(reached);
      }
      if (seen.size > worlds) return { worlds: seen.size, steps, depth: deep };
    }
    level = next;
  }
  return { worlds: seen.size, steps, depth };
}

function brokenIn(model: Model, reached: Reached): Explored['broken'] {
  for (const [promise, broken] of Object.entries(PROMISES)) {
    const numbers = broken(model, reached.world);
    if (numbers !== undefined) return { promise, numbers, way: wayTo(reached) };
  }
  return undefined;
}

function wayTo(reached: Reached): readonly string[] {
  const way: string[] = [];
  for (let each: Reached | undefined = reached; each?.before !== undefined; each = each.before) way.unshift(each.by);
  return way;
}
