/** One application through all stages, without the hook and under it, on a server of its own. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { freePort } from '../../src/demo/free-port.js';
import type { PrivateServer } from '../../src/demo/private-server.js';
import { type ServerKind, startServerOf } from '../support/sql-servers/kinds.js';
import type { Application } from './application.js';
import { ApplicationProcess, KeptApplication, type Start } from './process.js';
import { LONG_WAIT_TIMEOUT_S, RESTARTS, type Seen, STAGES } from './stages.js';

/** Where things are on this machine. */
export interface Place {
  /** The Node that runs applications. */
  readonly node: string;
  readonly nodeVersion: string;
  /** The folder that an application is installed in. */
  readonly folder: string;
  /** A folder for what it writes. */
  readonly logs: string;
}

/** What a stage showed, held against the tables. */
export interface StageResult extends Omit<Seen, 'tally'> {
  readonly stage: string;
  readonly requests: number;
  readonly failed: number;
  /** How often the application ended by itself, and was started again. */
  readonly ends: number;
  readonly tasks: number;
  readonly unfinished: number;
  /** Acknowledged, and not in the tables. */
  readonly lost: readonly string[];
  /** More than once in the tables. */
  readonly doubled: readonly string[];
  /** In the tables, but not whole. */
  readonly broken: readonly string[];
  readonly reasons: Readonly<Record<string, number>>;
}

/** One start of the application, until it served. */
export interface StartResult {
  readonly ms: number;
  readonly cpuSeconds: number;
  readonly rssMiB: number;
}

/** An application without the hook, or under it. */
export interface SideResult {
  readonly starts: readonly StartResult[];
  readonly stages: readonly StageResult[];
  readonly rssAfterMiB: number;
  readonly cpuSeconds: number;
  readonly notices: readonly string[];
  /** Its exit code at the end, after SIGTERM. */
  readonly ending: string;
}

/** What was seen of an application. */
export interface Result {
  readonly application: Application;
  readonly versions: Readonly<Record<string, string>>;
  /** When it was, on what. */
  readonly place: { readonly date: string; readonly node: string; readonly server: string };
  readonly without: SideResult;
  readonly under: SideResult;
  /** Under the hook, where callers wait while the database is away. Only the stage of the restarts. */
  readonly patient: SideResult;
}

/** What the run with patience has in its environment. */
export const PATIENT = { POOLWRIGHT_CONNECT_PATIENCE: '10000' };

/** How a run of an application differs from the others. */
interface Run {
  readonly called: string;
  readonly hooked: boolean;
  readonly stages: Partial<typeof STAGES>;
  readonly starts: readonly StartResult[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** The first start of a program reads files that later ones find in memory. */
const STARTS = 3;

export async function runApplication(application: Application, place: Place, kind: ServerKind): Promise<Result> {
  mkdirSync(place.logs, { recursive: true });
  let waitTimeoutS = LONG_WAIT_TIMEOUT_S;
  await using server = await startServerOf(kind, { arguments: () => [`--wait-timeout=${waitTimeoutS}`, '--max-connections=300'] });
  const setWaitTimeout = (seconds: number): void => void (waitTimeoutS = seconds);
  const side = new Side(application, place, server, setWaitTimeout);
  await side.prepare();
  const starts: Record<'true' | 'false', StartResult[]> = { true: [], false: [] };
  for (let turn = 0; turn < STARTS; turn += 1)
    for (const hooked of turn % 2 === 0 ? [false, true] : [true, false]) starts[`${hooked}`].push(await side.startOnce(hooked));
  const without = await side.run({ called: 'without', hooked: false, stages: STAGES, starts: starts.false.slice(1) });
  await side.prepare();
  const under = await side.run({ called: 'under', hooked: true, stages: STAGES, starts: starts.true.slice(1) });
  await side.prepare();
  const patient = await side.run({ called: 'patient', hooked: true, stages: RESTARTS, starts: [], environment: PATIENT });
  const shown = { date: new Date().toISOString().slice(0, 10), node: place.nodeVersion, server: await side.serverVersion() };
  return { application, versions: versionsOf(application, place), place: shown, without, under, patient };
}

function versionsOf({ packages }: Application, { folder }: Place): Readonly<Record<string, string>> {
  return Object.fromEntries(
    packages.map((name) => {
      const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as { version: string };
      return [name, version];
    }),
  );
}

/** Runs an application once. */
class Side {
  constructor(
    private readonly application: Application,
    private readonly place: Place,
    private readonly server: PrivateServer,
    private readonly setWaitTimeout: (seconds: number) => void,
  ) {}

  /** An empty database, or one with what the application's own program puts into it. */
  async prepare(): Promise<void> {
    const { database, user } = this.server;
    this.setWaitTimeout(LONG_WAIT_TIMEOUT_S);
    await this.server.restart();
    const admin = await this.#connectAsAdmin('mysql');
    await admin.query(`DROP DATABASE IF EXISTS ${database}`);
    await admin.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
    await admin.query(`GRANT ALL ON ${database}.* TO '${user}'@'%'`);
    await admin.end();
    const { fill } = this.application;
    if (fill !== undefined) await ApplicationProcess.run({ ...(await this.#startOf(false, 'fill')), program: [fill] });
  }

  /** Its name and its version. */
  async serverVersion(): Promise<string> {
    const admin = await this.#connectAsAdmin();
    const [rows] = await admin.query<RowDataPacket[]>('SELECT VERSION() AS version');
    await admin.end();
    const version = String(rows[0]?.['version']);
    const [, number = version] = /^([\d.]+)/.exec(version) ?? [];
    return `${version.includes('MariaDB') ? 'MariaDB' : 'MySQL'} ${number}`;
  }

  async startOnce(hooked: boolean): Promise<StartResult> {
    const running = await ApplicationProcess.start(await this.#startOf(hooked, 'starts'));
    await running.stop();
    return { ms: running.readyMs, cpuSeconds: running.readyCpuSeconds, rssMiB: running.readyRssMiB };
  }

  async run({ called, hooked, stages: wanted, starts, environment }: Run): Promise<SideResult> {
    const { application, server } = this;
    const running = await KeptApplication.start(await this.#startOf(hooked, called, environment));
    const stages: StageResult[] = [];
    try {
      for (const [stage, doStage] of Object.entries(wanted)) {
        const endsBefore = running.ends;
        const seen = await doStage({
          application,
          url: this.#url,
          server,
          connectAsAdmin: () => this.#connectAsAdmin(),
          setWaitTimeout: this.setWaitTimeout,
        });
        const result = await this.#compare(stage, seen, running.ends - endsBefore);
        console.log(`${application.title}, ${called}: ${stage}: ${result.requests} requests, ${result.failed} failed`);
        stages.push(result);
      }
      await running.untilItRuns();
      const [rssAfterMiB, cpuSeconds] = [await running.process.rssMiB(), await running.process.cpuSeconds()];
      const { notices } = running.process;
      return { starts, stages, rssAfterMiB, cpuSeconds, notices, ending: String(await running.stop()) };
    } finally {
      await running.stop();
    }
  }

  /** Holds what was acknowledged against the tables. */
  async #compare(stage: string, { tally, ...seen }: Seen, ends: number): Promise<StageResult> {
    const admin = await this.#connectAsAdmin();
    const books = await this.application.books(async (sql, values) => (await admin.query<RowDataPacket[]>(sql, values))[0]);
    await admin.end();
    const own = [...tally.acknowledged, ...tally.unfinished];
    return {
      stage,
      ...seen,
      ends,
      requests: tally.requests,
      failed: tally.failed,
      tasks: tally.acknowledged.size,
      unfinished: tally.unfinished.size,
      lost: [...tally.acknowledged].filter((task) => !books.has(task)),
      doubled: own.filter((task) => (books.get(task) ?? 0) > 1),
      broken: own.filter((task) => Number.isNaN(books.get(task) ?? 0)),
      reasons: Object.fromEntries(tally.failures),
    };
  }

  #url = '';

  async #startOf(hooked: boolean, called: string, environment: Readonly<Record<string, string>> = {}): Promise<Start> {
    const { host, user, password, database } = this.server;
    const settings = {
      port: await freePort(),
      limit: this.application.limit,
      folder: this.place.logs,
      database: { host, port: this.server.port, user, password, database },
    };
    this.#url = `http://127.0.0.1:${settings.port}`;
    return {
      node: this.place.node,
      folder: this.place.folder,
      program: this.application.server,
      hooked,
      readyUrl: `${this.#url}${this.application.readyPath}`,
      log: join(this.place.logs, `${called}.log`),
      environment: {
        PORT: String(settings.port),
        APPLICATION_DATABASE: JSON.stringify(settings.database),
        APPLICATION_LIMIT: String(settings.limit),
        ...this.application.environment?.(settings),
        ...environment,
      },
    };
  }

  async #connectAsAdmin(database = this.server.database): Promise<Connection> {
    const { host, port, adminUser, adminPassword } = this.server;
    return await createConnection({ host, port, user: adminUser, password: adminPassword, database });
  }
}
