/** A temporary folder that is removed even when this process is killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is removed when it is disposed of, or when this process ends in any way. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
  /** Removes the folder and all that is in it. Later calls do nothing. */
  remove(): Promise<void>;
}

/**
 * Removes the folder when its standard input ends. Only this process holds the other end of that pipe, so the pipe ends with it, even by
 * SIGKILL. The retries are for a server that writes into the folder until it is killed in the same instant.
 */
const REAPER = 'read -r _; for attempt in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" && exit 0; sleep 0.2; done; exit 1';

function startReaper(path: string): ChildProcess {
  // Detached: Ctrl-C is sent to the whole group, and must not end the reaper before its work is done.
  const reaper = spawn('/bin/sh', ['-c', REAPER, 'poolwright-reaper', path], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  reaper.unref();
  (reaper.stdin as Socket | null)?.unref();
  return reaper;
}

/**
 * Makes a folder that only this user can read.
 *
 * @param prefix - The start of its name.
 * @param parent - Where it is made. Default: the system's folder for temporary files.
 */
export function createTemporaryFolder(prefix: string, parent = tmpdir()): TemporaryFolder {
  // In one go: a process that exits between the two would leave the folder behind.
  const path = mkdtempSync(join(parent, `${prefix}-`));
  const reaper = startReaper(path);
  const reaped = new Promise<void>((resolve) => {
    reaper.once('error', () => resolve());
    reaper.once('exit', () => resolve());
  });

  const remove = async (): Promise<void> => {
    reaper.ref();
    reaper.stdin?.end();
    await reaped;
    // Nothing is left to remove unless the reaper failed or was killed. Then this removes it, or fails with the reason.
    await rm(path, { recursive: true, force: true });
  };
  return { path, remove, [Symbol.asyncDispose]: remove };
}
