/** Follows the writer: leads the pool's connections to it, and keeps callers waiting while there is none. */

import { type Clock, connectFailedError, type LendingHold, PoolError, type PoolSummary } from '../../engine/index.js';
import type { PoolSteering, ServerError } from '../../mysql/index.js';
import type { TopologyChange } from '../contract/index.js';
import { chooseWriter, type ClusterNode } from '../monitoring/index.js';

/** What the follower needs of a node. */
export type FollowedNode = Pick<ClusterNode, 'name' | 'options' | 'state' | 'reading' | 'watch' | 'twin' | 'lockedOutBy'>;

/** What it steers. */
export type SteeredPool = Pick<PoolSteering, 'moveTo' | 'leavePlace' | 'hold' | 'cutOff'>;

/** Where the connections lead: a node, and the server that it was. */
interface Place {
  readonly node: FollowedNode;
  readonly serverId: string | undefined;
}

/** Follows exactly one writer, or none. */
export class WriterFollower {
  #place: Place | undefined = undefined;
  /** The last one that was followed: a change is reported against it. */
  #lastWriter: Place | undefined = undefined;
  #ambiguous: readonly string[] = [];
  #held: { readonly since: number } | undefined;
  #changes = 0;
  /** What was reported last: that there is a writer, or none, or several. */
  #told: TopologyChange['what'] | 'none' = 'none';

  constructor(
    private readonly pool: SteeredPool,
    private readonly clock: Clock,
    private readonly noteChange: (what: TopologyChange['what'], message: string) => void,
  ) {
    this.#held = { since: clock.now() };
    this.pool.hold(this.#holdFor('no node has answered yet'));
  }

  /** The node to which writes go; undefined: none. */
  get writer(): FollowedNode | undefined {
    return this.#held === undefined ? this.#place?.node : undefined;
  }

  /** The names of all that take writes, when there is more than one. */
  get ambiguous(): readonly string[] {
    return this.#ambiguous;
  }

  /** How often another server became the writer. */
  get changes(): number {
    return this.#changes;
  }

  /** For how long nothing takes writes, in milliseconds; 0 = a writer is followed. */
  get withoutWriterMs(): number {
    return this.#held === undefined ? 0 : this.clock.now() - this.#held.since;
  }

  /** Something about the nodes has changed: chooses again. */
  review(nodes: readonly FollowedNode[]): void {
    const candidates = nodes.filter(({ twin }) => twin === undefined).map((node) => candidateOf(node));
    const followed = candidates.find(({ node }) => node === this.#place?.node);
    const choice = chooseWriter(candidates, followed);
    if (choice.kind === 'follow') this.#follow(choice.node.node);
    else if (choice.kind === 'ambiguous') this.#refuse(choice.nodes.map(({ name }) => name));
    else this.#wait(choice.why, followed?.node, lockOf(nodes));
    if (choice.kind !== 'none' || choice.ask === undefined) return;
    for (const { node } of choice.ask.nodes) node.watch.askSince(choice.ask.at);
  }

  #follow(node: FollowedNode): void {
    const serverId = node.reading?.serverId;
    this.#ambiguous = [];
    const isSame = this.#place?.node === node && this.#place.serverId === serverId;
    if (!isSame) this.#moveTo({ node, serverId });
    if (this.#held === undefined) return;
    this.#held = undefined;
    this.pool.hold(undefined);
  }

  #moveTo(place: Place): void {
    const before = this.#lastWriter;
    // What still runs on a server that does not answer would end there, or be committed there: nothing may reach it any more.
    if (before !== undefined && !before.node.watch.isKnownReader)
      this.pool.cutOff(`${place.node.name} is the writer now; ${before.node.name} is ${before.node.state}.`);
    this.#place = place;
    this.#lastWriter = place;
    this.#told = 'writer';
    this.pool.moveTo(place.node.options);
    if (before === undefined) {
      this.noteChange('writer', `${place.node.name} is the writer`);
      return;
    }
    if (before.serverId === place.serverId) {
      this.noteChange('writer', `${place.node.name} is the writer again`);
      return;
    }
    this.#changes += 1;
    this.noteChange('writer', `${place.node.name} is the writer; it was ${before.node.name}`);
  }

  #refuse(names: readonly string[]): void {
    const sentence = sentenceOf(names);
    const isNews = names.join() !== this.#ambiguous.join();
    this.#ambiguous = names;
    this.#held ??= { since: this.clock.now() };
    if (isNews) this.pool.hold({ ...this.#holdFor(sentence), refusal: (pool) => ambiguousError(sentence, pool) });
    this.#leave();
    if (!isNews) return;
    this.#told = 'ambiguous';
    this.noteChange('ambiguous', sentence);
  }

  /**
   * @param followed the node that was followed until now, while it is still a node
   * @param lock what all nodes answer to logins: waiting would not help, so acquires fail at once, as a pool's do
   */
  #wait(why: string, followed: FollowedNode | undefined, lock: ServerError | undefined): void {
    this.#ambiguous = [];
    this.#held ??= { since: this.clock.now() };
    const refusal = lock === undefined ? {} : { refusal: (pool: PoolSummary) => connectFailedError(lock, pool) };
    this.pool.hold({ ...this.#holdFor(why), ...refusal });
    // It has only refused one statement: what it is now is being asked.
    if (followed?.watch.distrusted === true && followed.state !== 'down' && !followed.watch.isKnownReader) return;
    this.#leave();
    if (this.#told === 'none') return;
    this.#told = 'none';
    this.noteChange('writer', `no node is the writer: ${why}`);
  }

  /** The connections lead to no writer. */
  #leave(): void {
    if (this.#place === undefined) return;
    this.#place = undefined;
    this.pool.leavePlace();
  }

  #holdFor(why: string): LendingHold {
    return { reason: () => `no server takes writes since ${(this.withoutWriterMs / 1000).toFixed(1)} s (${why})` };
  }
}

function candidateOf(node: FollowedNode) {
  const { state, reason, role, reported, seen, distrusted } = node.watch;
  const everyServerWrites = node.reading?.everyServerWrites === true;
  return { node, name: node.name, state, reason, role, reported, seen, distrusted, everyServerWrites };
}

/** Why no node takes a login, by the word of the first; undefined: one may. */
function lockOf(nodes: readonly FollowedNode[]): ServerError | undefined {
  return nodes.every(({ lockedOutBy }) => lockedOutBy !== undefined) ? nodes[0]?.lockedOutBy : undefined;
}

function ambiguousError(sentence: string, pool: PoolSummary): PoolError {
  return new PoolError('POOL_WRITER_AMBIGUOUS', `${sentence}. Writes are refused until one of them is read-only.`, { pool });
}

function sentenceOf(names: readonly string[]): string {
  return `${names.length} servers take writes: ${names.join(', ')}`;
}
