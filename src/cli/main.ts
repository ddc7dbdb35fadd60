#!/usr/bin/env node
/** The entry point of the command: finds the command that was named, runs it, and ends with its exit code. */

import { readFileSync } from 'node:fs';
import { nearestName, PoolError } from '../engine/index.js';
import {
  type CommandSpec,
  describeError,
  EXIT,
  type ExitCode,
  parseCall,
  Terminal,
  Unreachable,
  UsageError,
  usageOf,
} from './console/index.js';
import { commands } from './commands/index.js';

async function main([name, ...rest]: readonly string[]): Promise<ExitCode> {
  if (name === undefined || name === '--help' || name === 'help') return help(rest[0], name === undefined);
  if (name === '--version') {
    new Terminal(false).say(version());
    return EXIT.ok;
  }
  const command = commandNamed(name);
  const { values, operands, json, help: wantsHelp } = parseCall(command, rest);
  const terminal = new Terminal(json);
  if (wantsHelp) {
    terminal.say(usageOf(command).trimEnd());
    return EXIT.ok;
  }
  return await command.run({ values, operands, terminal, environment: process.env, stop: stopSignal() });
}

/** Usage that was asked for is the answer; otherwise it is a remark on what was missing. */
function help(name: string | undefined, unasked: boolean): ExitCode {
  if (name !== undefined) {
    new Terminal(false).say(usageOf(commandNamed(name)).trimEnd());
    return EXIT.ok;
  }
  const width = Math.max(...commands.map((command) => command.name.length)) + 2;
  const text = [
    'poolwright <command> [options]',
    '',
    ...commands.map((command) => `  ${command.name.padEnd(width)}${command.summary}`),
    '',
    'poolwright help <command> lists its options; poolwright --version prints the version.',
    'Exit codes: 0 healthy, 1 not healthy or failed, 2 wrong command line, 3 the running process does not answer or refuses the token.',
  ].join('\n');
  const terminal = new Terminal(false);
  if (unasked) terminal.sayAside(text);
  else terminal.say(text);
  return unasked ? EXIT.wrongCall : EXIT.ok;
}

/** @throws UsageError */
function commandNamed(name: string): CommandSpec {
  const command = commands.find((one) => one.name === name);
  if (command !== undefined) return command;
  const names = commands.map((one) => one.name);
  const nearest = nearestName(name, names);
  throw new UsageError(
    `Unknown command '${name}'. ${nearest === undefined ? `There are: ${names.join(', ')}` : `Did you mean ${nearest}?`}`,
  );
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.failed);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError || (PoolError.is(error) && error.code === 'POOL_OPTION_INVALID')) return EXIT.wrongCall;
  return error instanceof Unreachable ? EXIT.unreachable : EXIT.failed;
}

// The reader of a pipe may close it early: `poolwright metrics | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`poolwright: ${describeError(error)}\n`);
  if (error instanceof UsageError) process.stderr.write('poolwright help lists the commands.\n');
  process.exitCode = exitCodeOf(error);
}
