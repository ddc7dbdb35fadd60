/** The nodes of a cluster: who is in it, who joins, who leaves, who does not belong. */

import { type Clock, messageOf } from '../../engine/index.js';
import type { DiscoveryKind, GivenNode, NodeAddress, Peer, ResolvedClusterOptions } from '../contract/index.js';
import { instanceHost } from '../discovery/index.js';
import { ClusterNode, type NodeParts } from './cluster-node.js';
import type { Looker } from './looker.js';
import { nodeName } from './node-name.js';
import type { WatchOwner } from './node-watch.js';

/** A node that was discovered leaves when no node has named it for this many changes of its peers' looks. */
const LOOKS_UNTIL_LEFT = 10;

/** A server may be replaced by another one at its address. A proxy or a load balancer leads to others again and again. */
const SERVERS_OF_ONE_ADDRESS = 2;

/** What the roster reports. */
export interface RosterOwner extends WatchOwner {
  joined(node: ClusterNode): void;
  left(node: ClusterNode): void;
}

/** Makes what looks at a server. */
export type MakeLooker = (options: GivenNode['options']) => Looker;

/** The nodes of a cluster. */
export class Roster {
  readonly #nodes = new Map<string, ClusterNode>();
  /** For how many looks no node has named it. */
  readonly #unnamed = new Map<ClusterNode, number>();
  /** Why a server that was discovered is not a node, by its own address. */
  readonly #complaints = new Map<string, string>();
  #ended = false;
  #wasInDoubt = true;

  constructor(
    private readonly options: ResolvedClusterOptions,
    private readonly clock: Clock,
    private readonly makeLooker: MakeLooker,
    private readonly owner: RosterOwner,
  ) {
    for (const { name, address, options: nodeOptions } of options.nodes) this.#add({ name, address, given: true, options: nodeOptions });
  }

  get nodes(): readonly ClusterNode[] {
    return [...this.#nodes.values()];
  }

  /** What keeps servers that were discovered out, and what nodes could not say, in sentences. */
  get complaints(): readonly string[] {
    const ofNodes = this.nodes.flatMap(({ name, reading }) => (reading?.complaints ?? []).map((sentence) => `${name}: ${sentence}`));
    const moving = this.nodes.filter(({ watch }) => watch.servers > SERVERS_OF_ONE_ADDRESS);
    const ofAddresses = moving.map(
      ({ name, watch }) => `${name}: it led to ${watch.servers} servers in turn; name the servers, not a proxy before them.`,
    );
    return [...this.#complaints.values(), ...ofNodes, ...ofAddresses];
  }

  start(): void {
    for (const node of this.nodes) node.watch.start();
  }

  /** Looks at every node now. */
  lookNow(): void {
    for (const node of this.nodes) node.watch.lookNow();
  }

  /** The writer was chosen again. When there is none any more, every node is asked now: the next writer may be any, and its own turn far off. */
  chosen(): void {
    const inDoubt = this.owner.withoutWriterMs() !== undefined;
    if (inDoubt && !this.#wasInDoubt) this.lookNow();
    this.#wasInDoubt = inDoubt;
  }

  /** A look has ended: who is the same server as another, who joins, who leaves. */
  review(): void {
    if (this.#ended) return;
    this.#judge();
    if (this.options.discovery === 'static') return;
    for (const node of this.nodes) {
      if (node.state === 'up') for (const peer of node.reading?.peers ?? []) this.#consider(peer, node.reading?.kind);
    }
    this.#dismiss();
  }

  async end(): Promise<void> {
    this.#ended = true;
    await Promise.all(this.nodes.map((node) => node.watch.end()));
  }

  #add(parts: Omit<NodeParts, 'looker'>): ClusterNode {
    const node = new ClusterNode({ ...parts, looker: this.makeLooker(parts.options) }, this.options, this.clock, this.owner);
    this.#nodes.set(node.name, node);
    return node;
  }

  /** One server must not count twice, nor one that no replication links with the others. */
  #judge(): void {
    const first = new Map<string, ClusterNode>();
    for (const node of this.nodes) {
      const { reading } = node;
      // One that is down lets another address of the same server take its place.
      if (reading === undefined || node.state === 'down') continue;
      const twin = first.get(reading.serverId);
      if (twin === undefined) first.set(reading.serverId, node);
      node.twin = twin;
      node.watch.judge(twin === undefined ? this.#unfitness(node) : `it is the same server as ${twin.name}`);
    }
  }

  /** Why a node that answers must not serve. A writer always counts: that there are two is never overlooked. */
  #unfitness(node: ClusterNode): string | undefined {
    const { reading } = node;
    if (reading === undefined || reading.role === 'writer') return undefined;
    // One that may not say whether it replicates serves what needs no replication.
    if (reading.replicating === false) return 'its replication does not run';
    const others = this.nodes.filter((other) => other !== node && other.reading !== undefined);
    const namedByOthers = others.flatMap((other) => other.reading?.peers ?? []);
    // Where no node names another, nothing says that it does not belong.
    if (namedByOthers.length === 0 || reading.peers.length === 0) return undefined;
    const links = reading.peers.some((peer) => others.some((other) => this.#isPeer(other, peer) || this.#sharesPeer(other, peer)));
    const named = namedByOthers.some((peer) => this.#isPeer(node, peer));
    return links || named ? undefined : 'it does not belong to this cluster: no replication links it with the other nodes';
  }

  #sharesPeer(other: ClusterNode, { serverId, host, port }: Peer): boolean {
    return (other.reading?.peers ?? []).some((peer) =>
      serverId !== undefined && peer.serverId !== undefined ? peer.serverId === serverId : peer.host === host && peer.port === port,
    );
  }

  #isPeer({ reading, address }: ClusterNode, peer: Peer): boolean {
    if (peer.serverId !== undefined && reading !== undefined) return peer.serverId === reading.serverId;
    const mapped = this.#addressOf(peer);
    return mapped !== undefined && mapped.host === address.host && mapped.port === address.port;
  }

  #consider(found: Peer, kind: DiscoveryKind | undefined): void {
    if (!found.online || this.nodes.some((node) => this.#isPeer(node, found))) return;
    const peer = kind === 'aurora' ? this.#instanceAt(found) : found;
    const address = peer === undefined ? undefined : this.#addressOf(peer);
    if (peer === undefined || address === undefined || this.#nodes.has(nodeName(address))) return;
    let options: GivenNode['options'];
    try {
      options = this.options.optionsAt(address);
    } catch (error) {
      this.#complaints.set(nodeName(peer), `${nodeName(address)} was discovered and cannot be used: ${messageOf(error)}`);
      return;
    }
    const node = this.#add({
      name: nodeName(address),
      address: Object.freeze({ host: address.host, port: address.port }),
      given: false,
      options,
    });
    node.watch.start();
    this.owner.joined(node);
  }

  /** Aurora names instances, not addresses: they are made from an address that was given. The application's function gets the name. */
  #instanceAt(peer: Peer): Peer | undefined {
    if (this.options.address !== undefined) return peer;
    for (const { address } of this.options.nodes) {
      const host = instanceHost(peer.host, address.host);
      if (host !== undefined) return { ...peer, host };
    }
    this.#complaints.set(peer.host, `the address of instance ${peer.host} is not known: give address(), or name it as one of the nodes.`);
    return undefined;
  }

  /** Where this process reaches a server that others name; the function is the application's. */
  #addressOf(peer: Peer): NodeAddress | undefined {
    const { address } = this.options;
    if (address === undefined) return peer.host === '' ? undefined : peer;
    try {
      const given: unknown = address(Object.freeze({ ...peer }));
      if (given === undefined) return undefined;
      const { host, port } = (given ?? {}) as Partial<NodeAddress>;
      if (typeof host === 'string' && host !== '' && typeof port === 'number') return { host, port };
      throw new Error('it must give { host, port }, or undefined');
    } catch (error) {
      this.#complaints.set(nodeName(peer), `address() failed for ${nodeName(peer)}: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** A node that was discovered leaves when it does not answer and no node names it any more. */
  #dismiss(): void {
    const named = this.nodes.flatMap((node) => (node.state === 'up' ? (node.reading?.peers ?? []).filter(({ online }) => online) : []));
    for (const node of this.nodes) {
      if (node.given || node.state === 'up' || named.length === 0 || named.some((peer) => this.#isPeer(node, peer))) {
        this.#unnamed.delete(node);
        continue;
      }
      const looks = (this.#unnamed.get(node) ?? 0) + 1;
      this.#unnamed.set(node, looks);
      if (looks < LOOKS_UNTIL_LEFT) continue;
      this.#unnamed.delete(node);
      this.#nodes.delete(node.name);
      void node.watch.end();
      this.owner.left(node);
    }
  }
}
