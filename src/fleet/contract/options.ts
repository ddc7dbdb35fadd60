/** The options of a fleet: their types, their defaults, and their validation. */

import {
  invalid,
  invalidUnquoted,
  isOptionsObject,
  type OptionSpec,
  PoolError,
  refuseUnknownOptions,
  resolveFromTable,
} from '../../engine/contract/index.js';
import { parseRedisUrl, type RedisTarget, unshownTarget } from '../../redis/index.js';
import type { FleetLedger } from './ledger.js';

/** How a pool shares a budget of connections with the other pools of its fleet. */
export interface FleetOptions {
  /** Names the fleet: every pool of that name on the same ledger shares the budget. A cluster has a fleet for each server, with the address after the name. */
  readonly name: string;
  /**
   * The most connections of all members together, those that kill statements included. 'auto': what the server allows (`max_connections` and
   * `max_user_connections`) without the reserve, read again each minute.
   */
  readonly budget: number | 'auto';
  /** The part of the server's limit that 'auto' leaves to others. Default: 0.2. */
  readonly reserve?: number;
  /** Connections that each member may always have, including the one that kills statements. Default: 2; 3 when the ledger is the database. */
  readonly floor?: number;
  /** The maximum number of members at the same time, including those of a rolling deployment. Each pool is one. */
  readonly processes: number;
  /**
   * Where the leases are kept. A URL of Redis, or options with the URL, as the cache takes them; 'database': a table `poolwright_fleet` in the pool's own
   * database; or a ledger of your own.
   */
  readonly ledger: string | RedisTarget | FleetLedger;
  /** How long a lease lasts, in milliseconds. Default: 10 000. */
  readonly lease?: number;
  /** Keeps the pool's own limit, and shows what the fleet would have given it. Default: false. */
  readonly dryRun?: boolean;
}

/** The options of a fleet in force. */
export interface ResolvedFleetOptions {
  readonly name: string;
  readonly budget: number | 'auto';
  readonly reserve: number;
  readonly floor: number;
  readonly processes: number;
  readonly ledger: { readonly redis: RedisTarget } | { readonly own: FleetLedger } | 'database';
  readonly lease: number;
  readonly dryRun: boolean;
  /** Connections that the pool has beside those that it lends: the one that kills statements, and the ledger's when that is the database. */
  readonly side: number;
}

/** The options of a fleet that hold a plain value, by the names that errors, the environment and a URL call them. */
export const fleetOptionTable = {
  'fleet.name': {
    kind: 'text',
    default: undefined,
    about: 'Name of the fleet. Pools with the same name and the same ledger share the budget.',
  },
  'fleet.floor': {
    kind: 'number',
    min: 1,
    max: 10_000,
    default: undefined,
    about:
      'Connections that each member may always have, including the one that kills statements. Default: 2; 3 when the ledger is the database.',
  },
  'fleet.processes': {
    kind: 'number',
    min: 1,
    max: 100_000,
    default: undefined,
    about: 'The maximum number of members at the same time, including those of a rolling deployment.',
  },
  'fleet.lease': { kind: 'number', min: 1_000, max: 600_000, default: 10_000, about: 'How long a lease lasts, in milliseconds.' },
  'fleet.dryRun': { kind: 'boolean', default: false, about: "Keeps the pool's own limit, and shows what the fleet would have given it." },
} as const satisfies Record<string, OptionSpec>;

/** All names within `fleet`. */
export const FLEET_OPTION_NAMES: readonly string[] = ['name', 'budget', 'reserve', 'floor', 'processes', 'ledger', 'lease', 'dryRun'];

/** A lease that is shorter than this many round trips cannot be renewed in time. */
export const LEAST_ROUND_TRIPS = 6;

const LARGEST_BUDGET = 1_000_000;
const DEFAULT_RESERVE = 0.2;
const DEFAULT_FLOOR = 2;

/**
 * @param database the database of the pool, where the table of a ledger in the database lies
 * @throws PoolError `POOL_OPTION_INVALID`
 */
export function resolveFleetOptions(given: unknown, database?: string): ResolvedFleetOptions | undefined {
  if (given === undefined || given === false) return undefined;
  if (!isOptionsObject(given)) throw invalidUnquoted('fleet', given, 'an object of options');
  refuseUnknownOptions(
    prefixed(given),
    FLEET_OPTION_NAMES.map((name) => `fleet.${name}`),
  );
  const said = prefixed(given);
  const plain = resolveFromTable(fleetOptionTable, said);
  const ledger = resolveLedger(said['fleet.ledger']);
  const budget = resolveBudget(said['fleet.budget']);
  const reserve = resolveReserve(said['fleet.reserve']);
  const { 'fleet.name': name, 'fleet.processes': processes } = plain as { 'fleet.name'?: string; 'fleet.processes'?: number };
  if (name === undefined) throw missing('name', 'which pools share the budget');
  if (processes === undefined) throw missing('processes', 'how many members may exist at once');
  if (ledger === 'database' && database === undefined)
    throw refused(
      "fleet.ledger: 'database' keeps the table poolwright_fleet in the pool's database, but the pool has none: name one, or give Redis.",
    );
  const side = ledger === 'database' ? 2 : 1;
  const floor = (plain['fleet.floor'] as number | undefined) ?? Math.max(DEFAULT_FLOOR, side + 1);
  if (floor < side + 1) {
    const what = side === 1 ? 'the connection that kills statements' : "the connection that kills statements and the ledger's";
    throw refused(`fleet.floor must be at least ${side + 1}, for ${what} and one to lend; given: ${floor}.`);
  }
  if (budget !== 'auto') refuseSmallBudget(budget, floor, processes);
  const { 'fleet.lease': lease, 'fleet.dryRun': dryRun } = plain as { 'fleet.lease': number; 'fleet.dryRun': boolean };
  return Object.freeze({ name, budget, reserve, floor, processes, ledger, lease, dryRun, side });
}

/** What is wrong with a budget, if anything: each of the processes must be able to start. */
export function smallBudget(budget: number, floor: number, processes: number): string | undefined {
  const least = floor * processes;
  if (budget >= least) return undefined;
  return `fleet.budget must be at least fleet.floor × fleet.processes = ${floor} × ${processes} = ${least}; given: ${budget}.`;
}

function refuseSmallBudget(budget: number, floor: number, processes: number): void {
  const wrong = smallBudget(budget, floor, processes);
  if (wrong !== undefined) throw refused(wrong);
}

function resolveLedger(given: unknown): ResolvedFleetOptions['ledger'] {
  if (given === undefined) throw missing('ledger', "where the leases are kept: a URL of Redis, or 'database'");
  if (given === 'database') return 'database';
  if (typeof given === 'string') return { redis: checkedTarget({ url: given }) };
  if (isOptionsObject(given) && typeof (given as Partial<FleetLedger>).transact === 'function') return { own: given as FleetLedger };
  if (!isOptionsObject(given) || typeof (given as Partial<RedisTarget>).url !== 'string')
    throw invalidUnquoted('fleet.ledger', given, "a URL of Redis, options with such a url, or 'database'");
  refuseUnknownOptions(
    prefixed(given, 'fleet.ledger'),
    ['url', 'username', 'password', 'tls'].map((name) => `fleet.ledger.${name}`),
  );
  return { redis: checkedTarget(given as RedisTarget) };
}

/** A URL that cannot be read is refused now, and not when the fleet first needs it. */
function checkedTarget(target: RedisTarget): RedisTarget {
  parseRedisUrl(target, 'fleet.ledger');
  return unshownTarget(target);
}

function resolveBudget(given: unknown): number | 'auto' {
  if (given === undefined) throw missing('budget', "how many connections all members may have together, or 'auto'");
  const budget = typeof given === 'string' && /^\d+$/.test(given) ? Number(given) : given;
  if (budget === 'auto') return 'auto';
  if (typeof budget === 'number' && Number.isInteger(budget) && budget >= 1 && budget <= LARGEST_BUDGET) return budget;
  throw invalid('fleet.budget', given, `a whole number from 1 to ${LARGEST_BUDGET}, or 'auto'`);
}

function resolveReserve(given: unknown): number {
  if (given === undefined) return DEFAULT_RESERVE;
  const reserve = typeof given === 'string' && /^0?\.\d+$|^0$/.test(given) ? Number(given) : given;
  if (typeof reserve === 'number' && reserve >= 0 && reserve < 1) return reserve;
  throw invalid('fleet.reserve', given, 'a number that is at least 0 and below 1');
}

function prefixed(given: object, by = 'fleet'): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [`${by}.${name}`, value]));
}

function missing(name: string, what: string): PoolError {
  return refused(`fleet.${name} is missing: it says ${what}.`);
}

function refused(message: string): PoolError {
  return new PoolError('POOL_OPTION_INVALID', message);
}
