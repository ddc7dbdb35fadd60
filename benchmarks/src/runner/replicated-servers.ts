import type { Address, Questions } from '../scenario.js';
import type { Door } from './delayed-door.js';
import type { SentSurroundings } from './messages.js';
import { fetchMySql, fromTestSupport } from './test-support.js';
import type { Surrounding } from './surrounding.js';

/** What is used of a node of the test tree's replicated servers. */
interface Node {
  readonly host: string;
  readonly port: number;
  readonly server: { kill(signal: 'SIGKILL'): Promise<void> };
  admin(...statements: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]>;
  restart(): Promise<void>;
}

/** What is used of the test tree's replicated servers (test/support/replication). */
interface Replication extends AsyncDisposable {
  readonly nodes: readonly Node[];
  readonly database: string;
  createAccount(source: Node, grants: readonly string[]): Promise<{ readonly user: string; readonly password: string }>;
  demote(node: Node): Promise<void>;
  promote(node: Node): Promise<void>;
  follow(node: Node, source: Node): Promise<void>;
  caughtUp(node: Node, source: Node): Promise<void>;
}

interface Router extends AsyncDisposable {
  readonly port: number;
}

type StartReplication = (options: object) => Promise<Replication>;
type StartRouter = (destinations: readonly Node[], options: { readonly route: Readonly<Record<string, string>> }) => Promise<Router>;

/** The settings of the servers that concern speed; printed with the results. */
export const REPLICATED_SETTINGS: readonly string[] = ['--gtid-mode=ON', '--log-replica-updates=ON', '--sync-binlog=0'];

/** What an application's account needs to see how replication is, as docs/replicas.md says. */
const GRANTS = ['REPLICATION CLIENT ON *.*', 'REPLICATION SLAVE ON *.*', 'SELECT ON performance_schema.*'];

/** A source with two replicas on MySQL, a MySQL Router before them, and the operator who moves the right to write. */
export class ReplicatedServers implements Surrounding {
  #source: Node;

  private constructor(
    private readonly servers: Replication,
    private readonly routers: { readonly write: Router; readonly read: Router },
    private readonly account: { readonly user: string; readonly password: string },
  ) {
    this.#source = this.#nodes[0];
  }

  static async start(): Promise<ReplicatedServers> {
    await fetchMySql();
    const { startReplication } = await fromTestSupport<{ startReplication: StartReplication }>('replication/replication.ts');
    const { startMySqlRouter } = await fromTestSupport<{ startMySqlRouter: StartRouter }>('sql-servers/mysql-router.ts');
    const servers = await startReplication({ kind: 'mysql', replicas: 2, proxied: false });
    try {
      const [source, ...replicas] = servers.nodes as [Node, Node, Node];
      const account = await servers.createAccount(source, [`ALL ON ${servers.database}.*`, ...GRANTS]);
      await source.admin(`CREATE TABLE ${servers.database}.notes (id BIGINT UNSIGNED PRIMARY KEY, value INT NOT NULL)`);
      for (const replica of replicas) await servers.caughtUp(replica, source);
      const write = await startMySqlRouter(servers.nodes, { route: { routing_strategy: 'first-available' } });
      const read = await startMySqlRouter(replicas, { route: { routing_strategy: 'round-robin' } });
      return new ReplicatedServers(servers, { write, read }, account);
    } catch (error) {
      await servers[Symbol.asyncDispose]();
      throw error;
    }
  }

  surroundingsFor(contestant: string): Promise<SentSurroundings> {
    const at = ({ port }: { readonly port: number }): Address => ({
      host: this.#nodes[0].host,
      port,
      database: this.servers.database,
      ...this.account,
    });
    const [source, first, second] = this.#nodes;
    const database = at(source);
    return Promise.resolve({
      id: contestant.replaceAll(/\W+/gu, '_'),
      database,
      tls: database,
      delayed: database,
      wrongCa: '',
      replicated: {
        source: database,
        replicas: [at(first), at(second)],
        router: { write: at(this.routers.write), read: at(this.routers.read) },
      },
    });
  }

  openDoor(): Promise<Door> {
    throw new Error('bug: no scenario on replicated servers opens connections late');
  }

  connectionsOf(): Promise<number> {
    throw new Error('bug: connections to replicated servers are not counted');
  }

  questionsOf(): Questions {
    const [, next] = this.#nodes;
    const notHere = (): never => {
      throw new Error('bug: one of several servers must be named');
    };
    return {
      connections: notHere,
      killDatabase: notHere,
      startDatabase: notHere,
      freezeDatabase: notHere,
      thawDatabase: notHere,
      switchSource: () => this.#switchTo(next),
      loseSource: () => this.#loseTo(next),
      restoreSource: () => this.#restore(),
    };
  }

  async version(): Promise<string> {
    const [row] = await this.#source.admin('SELECT VERSION() AS version');
    return String(row?.['version']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.routers.write[Symbol.asyncDispose](), this.routers.read[Symbol.asyncDispose]()]);
    await this.servers[Symbol.asyncDispose]();
  }

  /** Milliseconds in which no server took writes. */
  async #switchTo(to: Node): Promise<number> {
    const from = this.#source;
    const startedAt = performance.now();
    await this.servers.demote(from);
    await this.servers.caughtUp(to, from);
    await this.servers.promote(to);
    const tookMs = performance.now() - startedAt;
    this.#source = to;
    await Promise.all(this.#nodes.filter((node) => node !== to).map((node) => this.servers.follow(node, to)));
    return tookMs;
  }

  async #loseTo(to: Node): Promise<number> {
    const lost = this.#source;
    const startedAt = performance.now();
    await lost.server.kill('SIGKILL');
    await this.servers.promote(to);
    const tookMs = performance.now() - startedAt;
    this.#source = to;
    await Promise.all(this.#nodes.filter((node) => node !== to && node !== lost).map((node) => this.servers.follow(node, to)));
    return tookMs;
  }

  /** The first server is the source again, wherever the right to write has gone. What the others have, it has. */
  async #restore(): Promise<void> {
    const [first] = this.#nodes;
    if (this.#source !== first) {
      await first.admin('SELECT 1').catch(() => first.restart());
      await this.servers.demote(first);
      await this.servers.follow(first, this.#source);
      await this.#switchTo(first);
    }
    for (const node of this.#nodes) if (node !== first) await this.servers.caughtUp(node, first);
  }

  get #nodes(): readonly [Node, Node, Node] {
    return this.servers.nodes as readonly [Node, Node, Node];
  }
}
