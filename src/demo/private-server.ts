/** A private server that speaks MySQL's protocol, and ends with this process. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CertificateAuthority, type CertificateFiles, createCertificateAuthority } from './certificates.js';
import { databaseUrl, type UrlOverrides } from './database-url.js';
import { freePort } from './free-port.js';
import { waitForGreeting } from './mysql-greeting.js';
import { type ServerProcess, startServerProcess } from './server-process.js';
import { createTemporaryFolder } from './temporary-folder.js';

const HOST = '127.0.0.1';
const DATABASE = 'app';
const USER = 'poolwright';
const ADMIN_USER = 'root';

const STOP_TIMEOUT_MS = 5_000;
const PORT_ATTEMPTS = 5;

/** `sun_path` holds 108 bytes on Linux and 104 on macOS, with the final zero. */
const LONGEST_SOCKET_PATH = 103;

/** What differs between the servers that can be started here. */
export interface ServerProgram {
  /** As messages call it. */
  readonly name: string;
  /** As names of files have it. */
  readonly id: string;
  /** What comes first on its command line: the program, and arguments for the loader that runs it, if any. */
  command(): Promise<readonly [string, ...string[]]>;
  /** Makes a data folder with nothing but the system tables. It does not exist yet. */
  createDataFolder(folder: string): Promise<void>;
  /** Arguments for a server that lives for a minute. */
  readonly settings: readonly string[];
  /** Removes the accounts of a new data folder, which have no password. */
  readonly removeAccounts: readonly string[];
  /** How long it may take until it greets. */
  readonly startTimeoutMs: number;
}

/** How to start a private server. */
export interface PrivateServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** More arguments for the server. They come last, so they win over the settings made here. A function is asked at each start, and is given the port. */
  readonly arguments?: readonly string[] | ((port: number) => readonly string[]);
  /** Default `false`: it makes the start slower and the server larger. */
  readonly performanceSchema?: boolean;
  /** The folder in which the server's own folder is made. Default: the system's folder for temporary files. */
  readonly parentFolder?: string;
  /** How long the server may take until it greets. Default: what its program usually needs, many times over. */
  readonly startTimeoutMs?: number;
}

/** A private server: its own data folder, port, socket, certificate and users. Disposing of it is {@link PrivateServer.stop}. */
export interface PrivateServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly socketPath: string;
  readonly database: string;
  /** The application user: all rights on `database`, none elsewhere. */
  readonly user: string;
  /** Random; it holds characters that an URL must percent-encode. */
  readonly password: string;
  /** A user with all rights, over TCP and over the socket. */
  readonly adminUser: string;
  readonly adminPassword: string;
  /** The authority of the server's certificate, which names 127.0.0.1, ::1 and localhost. TLS is offered, not required. */
  readonly caPath: string;
  readonly caCertificate: string;
  readonly authority: CertificateAuthority;
  /** The server's certificate and key. To rotate them, write others into these files and ask the server to read them. */
  readonly certificatePath: string;
  readonly keyPath: string;
  /** The process id; another one after {@link PrivateServer.restart}. */
  readonly pid: number;
  /** The address as an URL with percent-encoded credentials. */
  url(overrides?: UrlOverrides): string;
  /** Resolves when the server greets; at once when it already does. Rejects after the start time-out, with the end of the log. */
  waitUntilReady(): Promise<void>;
  /** Sends a signal. The folder stays. Resolves when the process has ended or, after SIGSTOP, stands still; else at once. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts the server again on its port and folder, ending it first when it runs. Resolves when it accepts connections. */
  restart(): Promise<void>;
  /** The end of the server's log. */
  logTail(): Promise<string>;
  /** Ends the server gracefully, or by SIGKILL after 5 s, and removes its folder. Later calls do nothing. */
  stop(): Promise<void>;
}

interface Credentials {
  readonly password: string;
  readonly adminPassword: string;
}

/** Always with characters that an URL must percent-encode: code that forgets to encode them fails. */
function randomPassword(): string {
  return `${randomBytes(12).toString('base64url')}@:/?#%&+ =${randomBytes(6).toString('base64url')}`;
}

function initialStatements({ removeAccounts }: ServerProgram, { password, adminPassword }: Credentials): string {
  return [
    ...removeAccounts,
    `CREATE USER '${ADMIN_USER}'@'%' IDENTIFIED BY '${adminPassword}';`,
    `GRANT ALL ON *.* TO '${ADMIN_USER}'@'%' WITH GRANT OPTION;`,
    `CREATE DATABASE ${DATABASE} CHARACTER SET utf8mb4;`,
    `CREATE USER '${USER}'@'%' IDENTIFIED BY '${password}';`,
    `GRANT ALL ON ${DATABASE}.* TO '${USER}'@'%';`,
    '',
  ].join('\n');
}

interface Folders {
  readonly folder: string;
  readonly socketPath: string;
  remove(): Promise<void>;
}

async function createFolders({ id }: ServerProgram, parentFolder: string | undefined): Promise<Folders> {
  const main = createTemporaryFolder(`poolwright-${id}`, parentFolder);
  const socketPath = join(main.path, `${id}.sock`);
  if (Buffer.byteLength(socketPath) <= LONGEST_SOCKET_PATH) return { folder: main.path, socketPath, remove: () => main.remove() };
  const short = createTemporaryFolder(`poolwright-${id}`, '/tmp');
  return {
    folder: main.path,
    socketPath: join(short.path, `${id}.sock`),
    remove: async () => void (await Promise.all([main.remove(), short.remove()])),
  };
}

interface Certificates {
  readonly authority: CertificateAuthority;
  readonly certificatePath: string;
  readonly keyPath: string;
}

async function createCertificates(folder: string): Promise<Certificates> {
  const authority = await createCertificateAuthority(folder);
  const server: CertificateFiles = await authority.issue({ name: 'server', commonName: 'localhost', hosts: ['localhost', HOST, '::1'] });
  return { authority, ...server };
}

function serverArguments(
  { settings }: ServerProgram,
  { folder, socketPath }: Folders,
  certificates: Certificates,
  port: number,
  options: PrivateServerOptions,
): string[] {
  return [
    '--no-defaults',
    ...(process.geteuid?.() === 0 ? ['--user=root'] : []),
    `--datadir=${join(folder, 'data')}`,
    `--tmpdir=${join(folder, 'tmp')}`,
    `--pid-file=${join(folder, 'server.pid')}`,
    `--socket=${socketPath}`,
    `--bind-address=${HOST}`,
    `--port=${port}`,
    `--ssl-ca=${certificates.authority.certificatePath}`,
    `--ssl-cert=${certificates.certificatePath}`,
    `--ssl-key=${certificates.keyPath}`,
    `--performance-schema=${options.performanceSchema === true ? 'ON' : 'OFF'}`,
    ...settings,
    ...(typeof options.arguments === 'function' ? options.arguments(port) : (options.arguments ?? [])),
  ];
}

async function waitUntilReady(
  { name }: ServerProgram,
  server: ServerProcess,
  { socketPath }: Folders,
  port: number,
  timeoutMs: number,
): Promise<void> {
  const abandon = (): string | undefined => (server.running ? undefined : 'its process ended');
  try {
    // The socket first: only this server greets there. On the port, another server may have been quicker.
    await waitForGreeting({ path: socketPath }, timeoutMs, abandon);
    await waitForGreeting({ host: HOST, port }, timeoutMs, abandon);
  } catch (cause) {
    const reason = server.running ? (cause as Error).message : `it ended with ${await server.ended}`;
    throw new Error(`${name} is not ready: ${reason}. The end of its log:\n${await server.logTail()}`, { cause });
  }
}

async function launch(
  program: ServerProgram,
  folders: Folders,
  args: readonly string[],
  port: number,
  timeoutMs: number,
): Promise<ServerProcess> {
  const { folder } = folders;
  const [command, ...first] = await program.command();
  const server = await startServerProcess({ command, arguments: [...first, ...args], logPath: join(folder, 'server.log'), cwd: folder });
  try {
    await waitUntilReady(program, server, folders, port, timeoutMs);
    return server;
  } catch (error) {
    await server.kill('SIGKILL');
    throw error;
  }
}

/** The port is free when it is chosen, but another process may bind it before the server does. */
async function onFreePort<T>(fixedPort: number | undefined, start: (port: number) => Promise<T>): Promise<T> {
  if (fixedPort !== undefined) return await start(fixedPort);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort(HOST));
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !String(error).includes('Address already in use')) throw error;
    }
  }
}

async function startIn(program: ServerProgram, folders: Folders, options: PrivateServerOptions): Promise<PrivateServer> {
  const { folder, socketPath } = folders;
  const timeoutMs = options.startTimeoutMs ?? program.startTimeoutMs;
  const credentials: Credentials = { password: randomPassword(), adminPassword: randomPassword() };
  const initFile = join(folder, 'init.sql');
  const certificates = await createCertificates(join(folder, 'tls'));
  await program.createDataFolder(join(folder, 'data'));
  await mkdir(join(folder, 'tmp'));
  await writeFile(initFile, initialStatements(program, credentials), { mode: 0o600 });

  const argumentsFor = (port: number): string[] => serverArguments(program, folders, certificates, port, options);
  const [port, firstProcess] = await onFreePort(options.port, async (candidate): Promise<[number, ServerProcess]> => {
    const args = [...argumentsFor(candidate), `--init-file=${initFile}`];
    return [candidate, await launch(program, folders, args, candidate, timeoutMs)];
  });
  await rm(initFile);

  let server = firstProcess;
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await server.stop('SIGTERM', STOP_TIMEOUT_MS);
    await folders.remove();
  };
  const own = { host: HOST, port, user: USER, password: credentials.password, database: DATABASE };
  return {
    ...own,
    ...credentials,
    ...certificates,
    socketPath,
    adminUser: ADMIN_USER,
    caPath: certificates.authority.certificatePath,
    caCertificate: certificates.authority.certificate,
    get pid() {
      return server.pid;
    },
    url: (overrides) => databaseUrl(own, overrides),
    waitUntilReady: () => waitUntilReady(program, server, folders, port, timeoutMs),
    kill: (signal) => server.kill(signal),
    async restart() {
      if (stopping !== undefined)
        throw new Error(`A stopped ${program.name} has no folder left to start again on. End it with kill() instead.`);
      await server.stop('SIGTERM', STOP_TIMEOUT_MS);
      server = await launch(program, folders, argumentsFor(port), port, timeoutMs);
    },
    logTail: () => server.logTail(),
    stop: () => (stopping ??= stop()),
    [Symbol.asyncDispose]: () => (stopping ??= stop()),
  };
}

/**
 * Starts a server of its own for this process: its own data folder, port, socket, certificate and users. It reads no configuration of the
 * system, touches no other server, and ends with this process, even by SIGKILL.
 *
 * @throws Error when it does not start, with the end of its log.
 */
export async function startPrivateServer(program: ServerProgram, options: PrivateServerOptions = {}): Promise<PrivateServer> {
  const folders = await createFolders(program, options.parentFolder);
  try {
    return await startIn(program, folders, options);
  } catch (error) {
    await folders.remove();
    throw error;
  }
}
