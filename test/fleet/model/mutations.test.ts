/** The model finds each rule that is taken out of the protocol: none is there for nothing, and the model sees what it should. */

import { describe, expect, it } from 'vitest';
import { explore } from './explore.js';
import { RULES_TAKEN_OUT } from './mutations.js';
import { mutated } from './protocol.js';
import { PLANS, searchOf } from './searches.js';

describe('without a rule, the model finds a promise broken', () => {
  for (const mutation of RULES_TAKEN_OUT) {
    it(mutation.rule, { timeout: 600_000 }, async () => {
      const plan = PLANS.find(({ name }) => name === mutation.plan);
      if (plan === undefined) throw new Error(`no plan '${mutation.plan}'`);
      const found = explore(searchOf(plan, await mutated(mutation), 12, Math.max(30_000, Number(process.env['FLEET_WORLDS'] ?? 0))));
      if (process.env['FLEET_TRACE'])
        console.log(
          `${mutation.rule}: ${found.worlds} worlds: ${found.broken?.promise} ${found.broken?.numbers}\n    ${found.broken?.way.join('\n    ')}`,
        );
      expect(found.broken).toBeDefined();
    });
  }
});
