import mysql, { type Connection } from 'mysql2/promise';
import { createCertificateAuthority } from '../../../dist/demo/certificates.js';
import type { PrivateServer } from '../../../dist/demo/private-server.js';
import { createTemporaryFolder } from '../../../dist/demo/temporary-folder.js';
import { keepOn } from '../conditions/cores.js';
import { tableStatements } from '../data.js';
import type { Address, Questions } from '../scenario.js';
import type { SentSurroundings } from './messages.js';
import { type Door, openDelayedDoor } from './delayed-door.js';
import type { Surrounding } from './surrounding.js';
import { type ServerName, startServer } from './servers.js';

/** The database server of a run, and what its contestants may know of it. */
export class BenchmarkDatabase implements Surrounding {
  #cores: string | undefined = undefined;

  private constructor(
    private readonly server: PrivateServer,
    private admin: Connection,
    private readonly wrongCa: string,
  ) {}

  static async start(name: ServerName = 'mariadb', settings?: readonly string[]): Promise<BenchmarkDatabase> {
    const server = await startServer(name, settings);
    try {
      const admin = await connectAdmin(server);
      for (const [sql, values] of tableStatements()) await admin.query(sql, values as never);
      return new BenchmarkDatabase(server, admin, await strangersCertificate());
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Makes the two accounts of a contestant. */
  async surroundingsFor(contestant: string, door: Door | undefined): Promise<SentSurroundings> {
    const id = idOf(contestant);
    const { host, port, password, database, caCertificate } = this.server;
    for (const [user, requirement] of [
      [`bench_${id}`, 'NONE'],
      [`bench_${id}_tls`, 'SSL'],
    ]) {
      await this.admin.query(`CREATE USER IF NOT EXISTS ?@'%' IDENTIFIED BY ? REQUIRE ${requirement}`, [user, password]);
      await this.admin.query(`GRANT ALL ON ${database}.* TO ?@'%'`, [user]);
    }
    const address: Address = { host, port, user: `bench_${id}`, password, database };
    return {
      id,
      database: address,
      tls: { ...address, user: `bench_${id}_tls`, ca: caCertificate },
      delayed: { ...address, port: door?.port ?? port },
      wrongCa: this.wrongCa,
    };
  }

  useCores(cores: string): void {
    this.#cores = cores;
    keepOn(cores, this.server.pid);
  }

  openDoor(delayMs: number): Promise<Door> {
    return openDelayedDoor(this.server.host, this.server.port, delayMs);
  }

  questionsOf(contestant: string): Questions {
    return {
      connections: () => this.connectionsOf(contestant),
      killDatabase: () => this.server.kill('SIGKILL'),
      startDatabase: async () => {
        await this.server.restart();
        if (this.#cores !== undefined) keepOn(this.#cores, this.server.pid);
        this.admin.destroy();
        this.admin = await connectAdmin(this.server);
      },
      freezeDatabase: () => this.server.kill('SIGSTOP'),
      thawDatabase: () => this.server.kill('SIGCONT'),
      switchSource: noReplicas,
      loseSource: noReplicas,
      restoreSource: noReplicas,
    };
  }

  async connectionsOf(contestant: string): Promise<number> {
    const id = idOf(contestant);
    const [rows] = await this.admin.query('SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE USER IN (?)', [
      [`bench_${id}`, `bench_${id}_tls`],
    ]);
    return (rows as [{ n: number }])[0].n;
  }

  async version(): Promise<string> {
    const [rows] = await this.admin.query('SELECT VERSION() AS version');
    return (rows as [{ version: string }])[0].version;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin.destroy();
    await this.server.stop();
  }
}

/** For scenarios that did not ask for replicated servers. */
function noReplicas(): never {
  throw new Error('bug: there is one server, and it has no replicas');
}

function idOf(contestant: string): string {
  return contestant.replaceAll(/\W+/gu, '_');
}

async function connectAdmin({ host, port, adminUser, adminPassword, database }: PrivateServer): Promise<Connection> {
  const connection = await mysql.createConnection({ host, port, user: adminUser, password: adminPassword, database });
  // It ends with the server in some scenarios, and is replaced.
  connection.on('error', () => undefined);
  return connection;
}

async function strangersCertificate(): Promise<string> {
  const folder = createTemporaryFolder('poolwright-benchmark');
  try {
    return (await createCertificateAuthority(folder.path)).certificate;
  } finally {
    await folder.remove();
  }
}
