/** Which node is the writer: exactly one that says so itself, or none. */

import type { NodeRole, NodeState } from '../contract/index.js';

/** What the choice looks at. */
export interface Candidate {
  readonly name: string;
  readonly state: NodeState;
  readonly reason: string | undefined;
  /** By its own word, when it was last looked at. */
  readonly role: NodeRole | undefined;
  /** When the looks began that reported its role: the last one, and the first one of those that all reported the same. */
  readonly reported: { readonly askedAt: number; readonly foundAt: number };
  /** Its first look has ended. */
  readonly seen: boolean;
  /** It has refused work since its last look. */
  readonly distrusted: boolean;
  /** Each server of its cluster takes writes, as TiDB's do. */
  readonly everyServerWrites: boolean;
}

/** Looks that begin within this time, in milliseconds, are one round: none of them is older than another. */
const ONE_ROUND_MS = 10;

/** Nodes of which it must be heard, by a look that begins at that time or later, whether they take writes. */
export interface AskSince<N> {
  readonly nodes: readonly N[];
  readonly at: number;
}

/** What follows for writes. */
export type WriterChoice<N> =
  | { readonly kind: 'follow'; readonly node: N }
  /** No node takes writes, or it is not known yet who does: in words. */
  | { readonly kind: 'none'; readonly why: string; readonly ask?: AskSince<N> }
  /** More than one takes writes. */
  | { readonly kind: 'ambiguous'; readonly nodes: readonly N[] };

/**
 * Chooses the writer. A node is followed newly only when it is the only one that takes writes, and no other may take them unseen: one that was a
 * writer must be declared down before another is followed, and one that answers is asked again: it may have been promoted since it said that it
 * takes none. One that is followed stays so while it is only suspect.
 *
 * Where each server takes writes by design, any of them will do: one is kept until it fails.
 *
 * @param followed the node that is followed now, if any
 */
export function chooseWriter<N extends Candidate>(nodes: readonly N[], followed: N | undefined): WriterChoice<N> {
  const writers = nodes.filter(({ state, role }) => state === 'up' && role === 'writer');
  const [writer] = writers;
  const stays = followed !== undefined && nodes.includes(followed) && mayBeWriter(followed) && !followed.distrusted;
  if (writer !== undefined && writers.every(({ everyServerWrites }) => everyServerWrites)) {
    const kept = stays || (followed !== undefined && writers.includes(followed)) ? followed : writer;
    return { kind: 'follow', node: kept };
  }
  if (writers.length > 1) return { kind: 'ambiguous', nodes: writers };
  if (writer === undefined) {
    return stays ? { kind: 'follow', node: followed } : { kind: 'none', why: whyNone(nodes) };
  }
  if (writer === followed) return { kind: 'follow', node: writer };
  const doubtful = nodes.find((node) => node !== writer && (!node.seen || mayBeWriter(node)));
  if (doubtful !== undefined) {
    const why = doubtful.seen
      ? `${doubtful.name} was the writer before, and is not known to be down`
      : `${doubtful.name} has not answered yet`;
    return { kind: 'none', why: `${writer.name} takes writes, but ${why}` };
  }
  const at = writer.reported.foundAt;
  const old = nodes.filter((node) => node !== writer && answers(node) && node.reported.askedAt < at - ONE_ROUND_MS);
  const [first] = old;
  if (first === undefined) return { kind: 'follow', node: writer };
  const why = `${writer.name} takes writes, and ${first.name} is being asked whether it does, too`;
  return { kind: 'none', why, ask: { nodes: old, at } };
}

/** Its last look went well. */
function answers({ state, role }: Candidate): boolean {
  return role !== undefined && (state === 'up' || state === 'unfit');
}

/** It took writes when it was last heard, and nothing says that it is gone. */
function mayBeWriter({ state, role }: Candidate): boolean {
  return role === 'writer' && state !== 'down' && state !== 'up';
}

function whyNone(nodes: readonly Candidate[]): string {
  const words = nodes.map(({ name, state, role, reason }) => {
    if (state === 'up') return `${name} is a ${role ?? 'node of unknown role'}`;
    return `${name} is ${state}${reason === undefined ? '' : `: ${reason}`}`;
  });
  return words.join('; ');
}
