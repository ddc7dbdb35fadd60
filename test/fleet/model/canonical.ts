/** The text by which worlds that behave alike are one: times relative to now, numbers of requests relative to the last, processes in any order. */

import type { FleetState } from '../../../src/fleet/contract/index.js';
import { type Process, processTime, type World } from './world.js';

/** Two worlds with the same text have the same future. */
export function canonical(world: World): string {
  const { now, ledger, copy, identity, offset, faults, processes } = world;
  const ranks = ledger === undefined ? [] : [...ledger.members.keys()];
  const copied = copy === undefined ? [] : [...copy.members.keys()];
  const each = processes.map((process) => {
    const { id } = process.holding.options;
    return [
      processText(process, processTime(world), ledger?.samples ?? 0),
      memberText(ledger, id, process.holding.seq, ranks),
      copy === ledger ? '=' : memberText(copy, id, process.holding.seq, copied),
    ].join('/');
  });
  each.sort();
  const clock = now + offset;
  return [
    ...each,
    ledgerText(ledger, clock, identity),
    copy === ledger ? '=' : ledgerText(copy, clock, identity),
    Object.values(faults).join(),
  ].join('\n');
}

function processText({ holding, hungry, sent, replies, toCount, counted, alive }: Process, now: number, samples: number): string {
  const { lease, endsAt, safe, heard, open, openLeast, asked, seq } = holding;
  const left = endsAt === undefined ? 'new' : Math.max(0, endsAt - now);
  const requests = sent.map((request) => {
    const { committed, wanted, heard: said, openLeast: least, open: had, kind } = request;
    return [
      seq - request.seq,
      committed,
      wanted,
      samples - said,
      least,
      had,
      kind[0],
      request.safe,
      request.counted?.connections ?? '',
      samples - (request.counted?.sample ?? 0),
    ].join();
  });
  const answers = replies.map((reply) =>
    [seq - reply.seq, reply.lease, reply.safe, samples - reply.sampled, samples - (reply.count ?? 0)].join(),
  );
  const count = [
    toCount === undefined ? '' : samples - toCount,
    counted === undefined ? '' : [samples - counted.sample, counted.connections].join(),
  ];
  const waiting = asked === undefined ? '' : [now - asked.at > 20 ? 20 : now - asked.at, asked.openLeast].join();
  return [
    alive ? 'a' : 'd',
    hungry ? 'h' : 'i',
    lease,
    left,
    safe,
    samples - heard,
    open,
    openLeast,
    waiting,
    ...requests,
    '|',
    ...answers,
    '|',
    ...count,
  ].join(' ');
}

function memberText(state: FleetState | undefined, id: string, seq: number, ranks: readonly string[]): string {
  const member = state?.members.get(id);
  if (state === undefined || member === undefined) return '-';
  const { lease, accounted, until, safe, fewest, reported } = member;
  const asked = state.sample?.asked === id ? 'c' : '';
  return [
    seq - member.seq,
    lease,
    accounted,
    until - state.time,
    member.wanted,
    safe,
    fewest ?? '',
    reported === true ? 'r' : '',
    asked,
    ranks.indexOf(id),
  ].join();
}

function ledgerText(state: FleetState | undefined, clock: number, identity: number): string {
  if (state === undefined) return '-';
  const { time, samples, sample, evidence } = state;
  const from = (moment: number): number => Math.max(-1_000, moment - time);
  return [
    state.identity === `ledger ${identity}`,
    Math.max(-1, Math.min(5, clock - state.clock)),
    from(state.learningUntil),
    from(state.unknownUntil),
    sample === undefined ? '' : [samples - sample.id, from(sample.since), sample.count].join(),
    evidence === undefined ? '' : [from(evidence.at), evidence.strangers].join(),
  ].join();
}
