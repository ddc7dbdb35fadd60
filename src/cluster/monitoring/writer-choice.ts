/** Which node is the writer: exactly one that says so itself, or none. */

import type { NodeRole, NodeState } from '../contract/index.js';

/** What the choice looks at. */
export interface Candidate {
  readonly name: string;
  readonly state: NodeState;
  readonly reason: string | undefined;
  /** By its own word, when it was last looked at. */
  readonly role: NodeRole | undefined;
  /** Its first look has ended. */
  readonly seen: boolean;
  /** It has refused work since its last look. */
  readonly distrusted: boolean;
  /** Each server of its cluster takes writes, as TiDB's do. */
  readonly everyServerWrites: boolean;
}

/** What follows for writes. */
export type WriterChoice<N> =
  | { readonly kind: 'follow'; readonly node: N }
  /** No node takes writes, or it is not known yet who does: in words. */
  | { readonly kind: 'none'; readonly why: string }
  /** More than one takes writes. */
  | { readonly kind: 'ambiguous'; readonly nodes: readonly N[] };

/**
 * Chooses the writer. A node is followed newly only when it is the only one that takes writes, and no other may take them unseen: one that was a
 * writer must be declared down before another is followed. One that is followed stays so while it is only suspect.
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
  if (doubtful === undefined) return { kind: 'follow', node: writer };
  const why = doubtful.seen ? `${doubtful.name} did before, and is not known to be down` : `${doubtful.name} was not heard yet`;
  return { kind: 'none', why: `${writer.name} takes writes, but ${why}` };
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
