/** The protocol checked over all interleavings for small numbers: F1 to F6 hold in every world that can be reached. */

import { describe, expect, it } from 'vitest';
import { explore } from './explore.js';
import { PROTOCOL } from './protocol.js';
import { PLANS, searchOf } from './searches.js';

/** A search of the long form stops after so many worlds: some minutes for all of them. */
const LONG_WORLDS = Number(process.env['FLEET_WORLDS'] ?? 60_000);

const long = process.env['FLEET_MODEL'] === 'long';

describe('F1 to F6 in every world of the model', () => {
  for (const plan of PLANS) {
    it(plan.name, { timeout: 3_600_000 }, () => {
      const found = explore(searchOf(plan, PROTOCOL, plan.depth[long ? 1 : 0], long ? LONG_WORLDS : 2_000));
      if (long || process.env['FLEET_TRACE'])
        console.log(`${plan.name}: ${found.worlds} worlds, ${found.steps} steps, ${found.depth} deep`);
      expect(found.broken).toBeUndefined();
      expect(found.worlds).toBeGreaterThan(100);
    });
  }
});
