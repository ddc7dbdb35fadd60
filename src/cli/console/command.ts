/** What a command is: its options, how its command line is read, and its usage text. */

import { parseArgs } from 'node:util';
import { nearestName } from '../../engine/index.js';
import type { ExitCode } from './exit-codes.js';
import type { Terminal } from './terminal.js';

/**
 * Node's own parser (`util.parseArgs`) splits the command line; this table says what each option takes, and usage and docs/cli.md are made
 * from it. A parser package would be the only thing that every user of the pool installs for the command's sake.
 */
export type CommandOption =
  | { readonly kind: 'flag'; readonly about: string }
  | { readonly kind: 'text'; readonly value: string; readonly default?: string; readonly about: string }
  | {
      readonly kind: 'number';
      readonly value: string;
      readonly min: number;
      readonly max: number;
      readonly default?: number;
      readonly about: string;
    }
  | {
      readonly kind: 'numbers';
      readonly value: string;
      readonly min: number;
      readonly max: number;
      readonly default: readonly number[];
      readonly about: string;
    };

export type CommandOptions = Readonly<Record<string, CommandOption>>;

type Given<T, O> = O extends { readonly default: T } ? T : T | undefined;

type ValueOf<O extends CommandOption> = O['kind'] extends 'flag'
  ? boolean
  : O['kind'] extends 'text'
    ? Given<string, O>
    : O['kind'] extends 'number'
      ? Given<number, O>
      : readonly number[];

/** The options as they were given, or their defaults. */
export type Values<O extends CommandOptions> = { readonly [Name in keyof O]: ValueOf<O[Name]> };

/** One call of a command. */
export interface Call<O extends CommandOptions = CommandOptions> {
  readonly values: Values<O>;
  /** The arguments without a name, at most as many as the command takes. */
  readonly operands: readonly string[];
  readonly terminal: Terminal;
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly stop: AbortSignal;
}

export interface CommandSpec<O extends CommandOptions = CommandOptions> {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What the usage says beside the options. */
  readonly notes: readonly string[];
  /** Names of the operands: `[url]` may be left out, `<limit>` may not; of the last one, `[url…]`, there may be any number. */
  readonly operands: readonly string[];
  readonly options: O;
  run(call: Call<O>): Promise<ExitCode>;
}

/** Infers what the options' values are. */
export function defineCommand<const O extends CommandOptions>(command: CommandSpec<O>): CommandSpec {
  return command;
}

/** The command was called wrongly. */
export class UsageError extends Error {}

/** Options that every command takes. */
export const commonOptions = {
  json: { kind: 'flag', about: 'Machine-readable output: one JSON value, or one per line for continuous output.' },
  help: { kind: 'flag', about: 'Show what the command does and which options it takes.' },
} as const satisfies CommandOptions;

export interface ParsedCall {
  readonly values: Values<CommandOptions>;
  readonly operands: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
}

/** @throws UsageError that names the option, what was given and what is allowed */
export function parseCall(command: CommandSpec, argv: readonly string[]): ParsedCall {
  const options: CommandOptions = { ...command.options, ...commonOptions };
  const { values: given, positionals: operands } = parsed(options, argv);
  const takesMore = command.operands.at(-1)?.endsWith('…]') === true;
  if (operands.length > command.operands.length && !takesMore) {
    const extra = command.operands.length;
    throw new UsageError(`${command.name} takes ${extra === 0 ? 'no operands' : `at most ${command.operands.join(' ')}`}.`);
  }
  const values = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, valueOf(name, option, given[name])]));
  return { values: values as Values<CommandOptions>, operands, json: values['json'] === true, help: values['help'] === true };
}

function parsed(
  options: CommandOptions,
  argv: readonly string[],
): { readonly values: Record<string, string | boolean | undefined>; readonly positionals: string[] } {
  const known = Object.fromEntries(
    Object.entries(options).map(([name, { kind }]) => [name, { type: kind === 'flag' ? ('boolean' as const) : ('string' as const) }]),
  );
  for (const argument of argv) {
    if (argument === '--') break;
    const [, name] = /^--([^=]+)/.exec(argument) ?? [];
    if (name === undefined || name in known) continue;
    const nearest = nearestName(name, Object.keys(known));
    throw new UsageError(`Unknown option --${name}.${nearest === undefined ? '' : ` Did you mean --${nearest}?`}`);
  }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: known, allowPositionals: true });
    return { values, positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function valueOf(name: string, option: CommandOption, given: string | boolean | undefined): unknown {
  if (option.kind === 'flag') return given === true;
  if (typeof given !== 'string') return option.default;
  if (option.kind === 'text') return given;
  if (option.kind === 'number') return wholeNumber(name, given, option);
  return given.split(',').map((part) => wholeNumber(name, part.trim(), option));
}

function wholeNumber(name: string, text: string, { min, max }: { readonly min: number; readonly max: number }): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  throw new UsageError(`--${name} must be a whole number from ${min} to ${max}; given: '${text}'.`);
}

/** What `--help` prints. */
export function usageOf(command: CommandSpec): string {
  const all: CommandOptions = { ...command.options, ...commonOptions };
  const options = Object.entries(all);
  const left = options.map(([name, option]) => `--${name}${option.kind === 'flag' ? '' : ` ${option.value}`}`);
  const width = Math.max(...left.map((text) => text.length)) + 2;
  return [
    `poolwright ${[command.name, ...command.operands, '[options]'].join(' ')}`,
    '',
    command.summary,
    ...(command.notes.length === 0 ? [] : ['', ...command.notes]),
    '',
    ...options.map(([, option], index) => `  ${(left[index] as string).padEnd(width)}${option.about}${defaultOf(option)}`),
    '',
  ].join('\n');
}

/** The default in words, in parentheses; nothing when there is none. */
export function defaultOf(option: CommandOption): string {
  if (option.kind === 'flag' || option.default === undefined) return '';
  return ` (default ${Array.isArray(option.default) ? option.default.join(',') : String(option.default)})`;
}
