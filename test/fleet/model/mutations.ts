/** Each rule of the protocol, taken out of its text, and the search that finds what it guards against. */

import type { Mutation } from './protocol.js';

/** A rule, the text that holds it, and the plan whose search finds its absence. */
export interface RuleTakenOut extends Mutation {
  readonly plan: string;
}

const MESSAGES = 'messages late, lost and doubled';
const LOST = 'members that are lost and come again';
const COUNTS = 'messages and counts while a member is lost';
const CLOCK = "the ledger's clock leaps";
const MEMORY = 'the ledger loses its memory, or an old copy takes over';
const APART = 'clocks that run apart';
const STARTS = 'crashes, farewells and new processes';

export const RULES_TAKEN_OUT: readonly RuleTakenOut[] = [
  { rule: 'a late request is ignored', plan: MESSAGES, file: 'step.ts', from: 'request.seq <= known.seq', to: 'request.seq < 0' },
  {
    rule: 'an answer to an earlier request is ignored',
    plan: MESSAGES,
    file: 'holding.ts',
    from: 'reply.seq !== asked.seq',
    to: 'reply.seq < 0',
  },
  {
    rule: 'what a member has committed itself to counts',
    plan: MESSAGES,
    file: 'step.ts',
    from: 'accounted: Math.max(lease, request.committed)',
    to: 'accounted: lease',
  },
  {
    rule: 'a raise waits until others have given back',
    plan: LOST,
    file: 'step.ts',
    from: 'Math.min(share, Math.max(present, free))',
    to: 'share',
  },
  {
    rule: 'the server is counted before a lost lease is granted again',
    plan: LOST,
    file: 'away.ts',
    from: '(isProvable(member, state.evidence?.at ?? -Infinity) ? proven',
    to: '(true ? proven',
  },
  {
    rule: 'strangers at the server count',
    plan: LOST,
    file: 'away.ts',
    from: 'overhang += unknown ? strangers : Math.min(above, strangers)',
    to: 'overhang += 0',
  },
  {
    rule: 'lost members keep their safe share',
    plan: LOST,
    file: 'away.ts',
    from: 'if (placed) reserved += kept',
    to: 'if (placed) reserved += 0',
  },
  { rule: 'a member without the ledger does not grow', plan: LOST, file: 'holding.ts', from: 'Math.min(lease, safe))', to: 'safe)' },
  {
    rule: 'a member ends its lease by its own clock',
    plan: LOST,
    file: 'holding.ts',
    from: 'now < endsAt) return lease',
    to: 'now < Infinity) return lease',
  },
  {
    rule: 'a member ends its lease by a margin early',
    plan: APART,
    file: 'holding.ts',
    from: 'const MARGIN = 1 / 5',
    to: 'const MARGIN = 0',
  },
  {
    rule: 'a member counts what was open at least, not what is open',
    plan: COUNTS,
    file: 'holding.ts',
    from: 'openLeast: Math.min(holding.openLeast, open),',
    to: 'openLeast: open,',
  },
  {
    rule: 'a report counts when it was sent after the count',
    plan: COUNTS,
    file: 'evidence.ts',
    from: 'request.heard >= sample.id',
    to: 'request.heard >= 0',
  },
  {
    rule: 'the floor of processes that are yet to come is kept free',
    plan: STARTS,
    file: 'away.ts',
    from: 'reserved += places * each',
    to: 'reserved += 0',
  },
  {
    rule: "the fleet's time does not leap",
    plan: CLOCK,
    file: 'fleet-time.ts',
    from: 'Math.min(Math.max(0, now - state.clock), longestStepMs(leaseMs))',
    to: 'Math.max(0, now - state.clock)',
  },
  {
    rule: 'a lease that a leap may have ended early is not proven yet',
    plan: CLOCK,
    file: 'evidence.ts',
    from: 'member.until + longestStepMs(member.leaseMs) <= at',
    to: 'member.until < at',
  },
  {
    rule: 'another identity begins to learn',
    plan: MEMORY,
    file: 'learning.ts',
    from: 'stored.identity === identity',
    to: "stored.identity !== ''",
  },
  {
    rule: 'a ledger that learns grants nothing new',
    plan: MEMORY,
    file: 'learning.ts',
    from: 'if (state.time < state.learningUntil) return true;',
    to: 'if (state.time < Infinity) return false;',
  },
  {
    rule: 'unknown members keep their safe share',
    plan: MEMORY,
    file: 'away.ts',
    from: 'unknown ? inForce.safe : inForce.floor',
    to: 'inForce.floor',
  },
];
