import { type ServerCommand, type ServerProcess, startServerProcess } from '../../../src/demo/server-process.js';
import type { TemporaryFolder } from '../../../src/demo/temporary-folder.js';
import { waitFor } from '../wait-for.js';

/** A server of the tests: it can be killed and started again, and leaves nothing behind. */
export interface RestartableServer extends AsyncDisposable {
  /** The process id; another one after a restart. */
  readonly pid: number;
  /** Sends a signal. Resolves when the process has ended or, after SIGSTOP, stands still; else at once. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on its port and folder, ending it first when it runs. Resolves when it answers. */
  restart(): Promise<void>;
  /** The end of its log. */
  logTail(): Promise<string>;
  /** Ends it and removes its folder. Later calls do nothing. */
  stop(): Promise<void>;
}

/** What differs between servers. */
export interface ServerDescription {
  readonly name: string;
  readonly folder: TemporaryFolder;
  readonly process: ServerCommand;
  readonly stopSignal: NodeJS.Signals;
  /** Answers whether the server serves; throwing means "not yet". */
  readonly isReady: () => Promise<boolean>;
}

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;

async function launch({ name, process: command, isReady }: ServerDescription): Promise<ServerProcess> {
  const server = await startServerProcess(command);
  try {
    await waitFor(`${name} to answer`, async () => !server.running || (await isReady()), Boolean, { timeoutMs: START_TIMEOUT_MS });
    if (!server.running) throw new Error(`it ended with ${await server.ended}`);
    return server;
  } catch (cause) {
    await server.kill('SIGKILL');
    throw new Error(`${name} did not start: ${(cause as Error).message}. The end of its log:\n${await server.logTail()}`, { cause });
  }
}

/** Starts a server and waits until it answers. When it does not, its folder is removed and the error has the end of its log. */
export async function startRestartableServer(description: ServerDescription): Promise<RestartableServer> {
  const { folder, stopSignal } = description;
  let server = await launch(description).catch(async (error: unknown) => {
    await folder.remove();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await server.stop(stopSignal, STOP_TIMEOUT_MS);
    await folder.remove();
  };
  let stopping: Promise<void> | undefined;
  return {
    get pid() {
      return server.pid;
    },
    kill: (signal) => server.kill(signal),
    async restart() {
      await server.stop(stopSignal, STOP_TIMEOUT_MS);
      server = await launch(description);
    },
    logTail: () => server.logTail(),
    stop: () => (stopping ??= stop()),
    [Symbol.asyncDispose]: () => (stopping ??= stop()),
  };
}
