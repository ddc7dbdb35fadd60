/** Runs commands, and passes signals on to them. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { findExecutable } from './find-executable.mjs';

/** Thrown when this process was asked to end; the command that ran has ended by then. */
export class Interrupted extends Error {
  /** @param {string} signal */
  constructor(signal) {
    super(`Interrupted by ${signal}.`);
    this.signal = signal;
  }
}

/** The exit code that shells use for a process that a signal has ended. */
export function exitCodeOf(signal) {
  return 128 + constants.signals[signal];
}

/** The first signal that arrived, and what passes it on to the command that runs. */
let received;
let passOn;

function interrupt(signal) {
  // Ctrl-C arrives twice: from the terminal, and from npm, which passes it on.
  if (received !== undefined) return;
  received = signal;
  if (passOn === undefined) process.exitCode = exitCodeOf(signal);
  else passOn(signal);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt(signal));

// npm passes signals to the shell that it runs a script with; when one of the two ends and passes nothing on, this process must notice.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) interrupt('SIGTERM');
  }, 500).unref();
}

/** Whether this is how a command ends that the signal which arrived has ended. */
export function isOwnSignal(code) {
  return received !== undefined && code === exitCodeOf(received);
}

/** @throws {Interrupted} */
export function throwIfInterrupted() {
  if (received !== undefined) throw new Interrupted(received);
}

/**
 * In a session of its own, a command gets each signal once, from here. The kernel ends it with this process, should that be killed.
 */
function ofItsOwn(command, args) {
  const setpriv = process.platform === 'linux' ? findExecutable('setpriv') : undefined;
  if (setpriv === undefined) return { command, args, detached: false };
  return { command: setpriv, args: ['--pdeathsig', 'TERM', '--', command, ...args], detached: true };
}

/**
 * Runs a command to its end, also after a signal. A signal to this process is passed on to it, once.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {object} [options]
 * @param {Record<string, string>} [options.environment] Variables on top of this process's own.
 * @param {boolean} [options.capture] Keep its output instead of showing it.
 * @param {string} [options.passOnAs] The signal it is sent for any that arrives here. Default: the same.
 * @param {boolean} [options.wholeGroup] Send the signal to all the processes that the command has started, too.
 * @param {number} [options.killAfterMs] How long it may take to end after a signal. Default: without limit.
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runToEnd(command, args, { environment = {}, capture = false, passOnAs, wholeGroup = false, killAfterMs } = {}) {
  const own = ofItsOwn(command, args);
  return new Promise((resolve, reject) => {
    const child = spawn(own.command, own.args, {
      detached: own.detached,
      env: { ...process.env, ...environment },
      stdio: capture ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    });
    let output = '';
    let timer;
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    passOn = (signal) => {
      if (wholeGroup && own.detached && child.pid !== undefined) process.kill(-child.pid, passOnAs ?? signal);
      else child.kill(passOnAs ?? signal);
      if (killAfterMs !== undefined) timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    };
    const settle = () => {
      passOn = undefined;
      clearTimeout(timer);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', settle);
    child.once('close', (code, signal) => resolve({ code: code ?? exitCodeOf(signal), output }));
  });
}

/**
 * As {@link runToEnd}, as one step of several: after a signal there is no next one.
 *
 * @type {typeof runToEnd}
 * @throws {Interrupted} when a signal has arrived.
 */
export async function run(command, args, options) {
  throwIfInterrupted();
  const result = await runToEnd(command, args, options);
  throwIfInterrupted();
  return result;
}
