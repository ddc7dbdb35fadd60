import type { DiscoveryKind, NodeReading } from '../../../src/cluster/contract/index.js';
import { resolveClusterOptions } from '../../../src/cluster/clusters/options.js';
import { WriterFollower } from '../../../src/cluster/clusters/writer-follower.js';
import type { ClusterOptions, ResolvedClusterOptions, RoleWord, TopologyChange } from '../../../src/cluster/contract/index.js';
import { type Look, type Looker, Roster } from '../../../src/cluster/monitoring/index.js';
import type { LendingHold } from '../../../src/engine/index.js';
import { nodeName } from '../../../src/cluster/monitoring/index.js';
import type { ResolvedOptions } from '../../../src/mysql/index.js';
import { FakeClock } from '../../engine/support/fake-clock.js';

/** A server as a test says it is. */
export class SimulatedServer {
  alive = true;
  /** It takes connections and answers nothing, as a process that was stopped. */
  frozen = false;
  writable: boolean;
  serverId: string;
  peers: NodeReading['peers'] = [];
  replicating: boolean | undefined = true;
  everyServerWrites = false;
  kind: DiscoveryKind = 'replication';
  complaints: readonly string[] = [];
  lagMs: number | undefined = 0;
  /** Whether each look at it was to be over a new connection. */
  readonly looks: { readonly fresh: boolean }[] = [];
  /** What a look waits for, once it has heard who the server is. */
  rest: Promise<void> | undefined = undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(
    readonly name: string,
    writable: boolean,
  ) {
    this.writable = writable;
    this.serverId = `id of ${name}`;
  }

  thaw(): void {
    this.frozen = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  async answer(): Promise<NodeReading> {
    if (!this.alive) throw Object.assign(new Error(`connect ECONNREFUSED ${this.name}`), { code: 'ECONNREFUSED' });
    if (this.frozen) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    return {
      serverId: this.serverId,
      version: '9.7.4',
      kind: this.kind,
      role: this.writable ? 'writer' : 'reader',
      lagMs: this.writable ? 0 : this.lagMs,
      replicating: this.writable || this.replicating,
      executed: undefined,
      commitsInOrder: true,
      peers: this.peers,
      complaints: this.complaints,
      ...(this.everyServerWrites ? { everyServerWrites: true } : {}),
    };
  }
}

/** Looks at a simulated server. */
export class SimulatedLooker implements Looker {
  constructor(private readonly server: SimulatedServer) {}

  async look(fresh: boolean, heard: (word: RoleWord) => void): Promise<Look> {
    this.server.looks.push({ fresh });
    const reading = await this.server.answer();
    heard(reading);
    await this.server.rest;
    return { reading, latencyMs: 1 };
  }

  async probe(): Promise<void> {
    await this.server.answer();
  }

  abandon(): void {}

  async end(): Promise<void> {}
}

/** Where writes of a simulated cluster go. */
export class SimulatedPool {
  place: string | undefined = undefined;
  held: LendingHold | undefined = undefined;
  readonly moves: string[] = [];
  /** Called with the server that is to be followed. */
  beforeMove: (name: string) => void = () => undefined;

  /** The server that a write would reach now; undefined: it waits or is refused. */
  get writesGoTo(): string | undefined {
    return this.held === undefined ? this.place : undefined;
  }

  moveTo({ endpoint }: ResolvedOptions): void {
    this.beforeMove(nodeName(endpoint));
    this.place = nodeName(endpoint);
    this.moves.push(this.place);
  }

  leavePlace(): void {
    this.place = undefined;
  }

  hold(hold: LendingHold | undefined): void {
    this.held = hold;
  }

  cutOff(): number {
    return 0;
  }
}

/** A cluster over simulated servers and a clock that a test moves. */
export class SimulatedCluster {
  readonly clock = new FakeClock();
  readonly pool = new SimulatedPool();
  readonly changes: [TopologyChange['what'], string][] = [];
  readonly options: ResolvedClusterOptions;
  readonly roster: Roster;
  readonly follower: WriterFollower;
  /** Called after each look. */
  afterLook: () => void = () => undefined;

  constructor(
    readonly servers: Map<string, SimulatedServer>,
    given: Partial<ClusterOptions> = {},
  ) {
    const nodes = [...servers.keys()].map((name) => `mysql://app@${name}/shop`);
    this.options = resolveClusterOptions({ nodes, ssl: false, ...given }, {});
    const note = (what: TopologyChange['what'], message: string): void => void this.changes.push([what, message]);
    this.roster = new Roster(this.options, this.clock, ({ endpoint }) => new SimulatedLooker(this.serverAt(nodeName(endpoint))), {
      looked: () => {
        this.roster.review();
        this.follower.review(this.roster.nodes);
        this.roster.chosen();
        this.afterLook();
      },
      withoutWriterMs: () => (this.follower.writer === undefined ? this.follower.withoutWriterMs : undefined),
      joined: (node) => note('node-joined', node.name),
      left: (node) => note('node-left', node.name),
    });
    this.follower = new WriterFollower(this.pool, this.clock, note);
    this.roster.start();
  }

  serverAt(name: string): SimulatedServer {
    const server = this.servers.get(name);
    if (server === undefined) throw new Error(`There is no server at ${name}.`);
    return server;
  }

  node(name: string) {
    const found = this.roster.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`${name} is no node.`);
    return found;
  }
}

/** Servers a:3306, b:3306, …: the first takes writes. */
export function serversNamed(...names: readonly string[]): Map<string, SimulatedServer> {
  return new Map(names.map((name, index) => [`${name}:3306`, new SimulatedServer(`${name}:3306`, index === 0)]));
}
