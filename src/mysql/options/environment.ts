/** Options in the environment: `POOLWRIGHT_CONNECTION_LIMIT=50` and the like, read the same in each dialect. */

import { nearestName, PoolError } from '../../engine/index.js';
import { FLEET_OPTION_NAMES } from '../../fleet/contract/index.js';
import { isPlainRow, optionRows } from './table.js';
import { tlsFromUrl } from './tls.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable of the environment that holds an option. */
export function environmentName(option: string): string {
  return `POOLWRIGHT_${option
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replace('.', '_')
    .toUpperCase()}`;
}

/** The options by their variables: each that holds a number, a word or a truth value, `ssl`, and those of `fleet`. */
function optionsOfVariables(): ReadonlyMap<string, string> {
  return new Map([
    ...[...optionRows]
      .filter(([, row]) => isPlainRow(row) && row.kind !== 'function')
      .map(([name]) => [environmentName(name), name] as const),
    [environmentName('ssl'), 'ssl'],
    ...FLEET_OPTION_NAMES.map((name) => [environmentName(`fleet.${name}`), `fleet.${name}`] as const),
  ]);
}

/** @throws PoolError `POOL_OPTION_INVALID` for a variable that is nearly an option's */
export function environmentOptions(environment: Environment): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  const fleet: Record<string, string> = {};
  let names: ReadonlyMap<string, string> | undefined;
  // Only names are read of the others: to ask Node for the value of each takes as long as to read all options.
  for (const variable of Reflect.ownKeys(environment)) {
    if (typeof variable !== 'string' || !variable.startsWith('POOLWRIGHT_')) continue;
    const value = environment[variable];
    if (value === undefined || value === '') continue;
    names ??= optionsOfVariables();
    const option = names.get(variable);
    if (option === undefined) refuseMisspelling(variable, names);
    else if (option.startsWith('fleet.')) fleet[option.slice('fleet.'.length)] = value;
    else options[option] = option === 'ssl' ? tlsFromUrl([['ssl', value]], variable) : value;
  }
  if (Object.keys(fleet).length > 0) options['fleet'] = fleet;
  return options;
}

/** Other variables with this prefix may belong to other programs. One that is nearly an option's is a mistake that nothing else would show. */
function refuseMisspelling(variable: string, names: ReadonlyMap<string, string>): void {
  const nearest = nearestName(variable, [...names.keys()], 2);
  if (nearest !== undefined)
    throw new PoolError('POOL_OPTION_INVALID', `Unknown environment variable ${variable}. Did you mean ${nearest}?`);
}
