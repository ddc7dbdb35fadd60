/** Steps of a fleet: its budget against the server's limits, whether the account's connections can be counted, and the ledger. */

import { messageOf } from '../../engine/index.js';
import { performance } from '../../engine/waiting/index.js';
import { type FleetState, type FleetStep, LEAST_ROUND_TRIPS, type ResolvedFleetOptions, smallBudget } from '../../fleet/contract/index.js';
import { databaseLedger, FLEET_TABLE, redisLedger, type StoredLedger } from '../../fleet/ledgers/index.js';
import { COUNT_CONNECTIONS, openLone, type Pool, type ResolvedOptions } from '../../mysql/index.js';
import { shown } from '../console/index.js';
import { column, row } from './asking.js';
import type { Finding } from './finding.js';
import { missingRights } from './grants.js';
import { type Fleet, PLANNED_SHARE, smallest, type Variables } from './limits.js';

type Report = (finding: Finding) => void;

/** The budget in force: of 'auto' what the server's limit leaves; undefined: the server names no limit. */
function budgetOf({ budget, reserve }: ResolvedFleetOptions, limit: number | undefined): number | undefined {
  if (budget !== 'auto') return budget;
  return limit === undefined ? undefined : Math.max(1, Math.floor(limit * (1 - reserve)));
}

/** The budget against what the server allows, and against the floors. */
export function examineFleetBudget({ fleet }: ResolvedOptions, variables: Variables, { processes }: Fleet, report: Report): void {
  const step = 'fleet-budget';
  if (fleet === undefined) {
    report({ step, status: 'skip', message: 'the pool is in no fleet (option fleet, POOLWRIGHT_FLEET_NAME)' });
    return;
  }
  const maximum = smallest(variables.get('max_connections'), variables.get('max_user_connections'));
  const budget = budgetOf(fleet, maximum?.limit);
  const { floor } = fleet;
  if (budget === undefined) {
    report({
      step,
      status: 'fail',
      message: "fleet.budget is 'auto', but the server sets no limit",
      advice: 'Set fleet.budget to the number of connections that the server can handle.',
    });
    return;
  }
  const from = fleet.budget === 'auto' ? ` ('auto': ${maximum?.name} without ${Math.round(fleet.reserve * 100)} %)` : '';
  const wrong = smallBudget(budget, floor, fleet.processes);
  if (wrong !== undefined) {
    const most = Math.floor(budget / floor);
    report({
      step,
      status: 'fail',
      message: `${wrong.replace(/\.$/, '')}${from}`,
      advice: `Lower fleet.processes to ${most}, or raise the server's limit.`,
    });
    return;
  }
  if (processes > fleet.processes) {
    report({
      step,
      status: 'fail',
      message: `${processes} processes are more than fleet.processes = ${fleet.processes}: each extra process takes its floor beyond the budget`,
      advice: `Raise fleet.processes to the number of old and new processes in a deployment. The budget must be at least ${floor} for each.`,
    });
    return;
  }
  const floors = floor * fleet.processes;
  const sum = `budget ${budget}${from}: floor ${floor} × ${fleet.processes} processes = ${floors}, ${budget - floors} are shared`;
  if (maximum !== undefined && budget > maximum.limit) {
    report({
      step,
      status: 'fail',
      message: `fleet.budget = ${budget} is above ${maximum.name} = ${maximum.limit}: connections fail with errno 1040 or 1203`,
      advice: `Lower fleet.budget to ${Math.floor(maximum.limit * PLANNED_SHARE)}, or raise ${maximum.name}.`,
    });
    return;
  }
  if (maximum !== undefined && fleet.budget !== 'auto' && budget > maximum.limit * PLANNED_SHARE) {
    report({
      step,
      status: 'warn',
      message: `fleet.budget = ${budget} is ${Math.round((budget / maximum.limit) * 100)} % of ${maximum.name} = ${maximum.limit}`,
      advice: 'Leave a fifth for administrators, migrations, and other programs.',
    });
    return;
  }
  report({ step, status: 'ok', message: `${sum}${maximum === undefined ? '' : `; ${maximum.name} = ${maximum.limit}`}` });
}

/** Whether the server's list shows the account its connections: by it a fleet finds what lost members hold. */
export async function examineFleetCount(pool: Pool, options: ResolvedOptions, report: Report): Promise<void> {
  const step = 'fleet-count';
  const second = await openLone(options);
  try {
    const [count] = await row(pool, COUNT_CONNECTIONS);
    if (Number(count) >= 2)
      report({ step, status: 'ok', message: `the server counts ${count} connections of the account, including the doctor's two` });
    else
      report({
        step,
        status: 'warn',
        message: `the server counts ${count} connections of the account, but the doctor has two open`,
        advice:
          'The fleet cannot find out which connections lost members still have, so it keeps their share free. Connect to the server itself: a proxy that shares connections hides them.',
      });
  } finally {
    await second.quit();
  }
}

/** Whether the ledger can be reached, what a round trip takes, and what the account may do with its table. Stores nothing. */
export async function examineFleetLedger(pool: Pool, options: ResolvedOptions, timeoutMs: number, report: Report): Promise<void> {
  const step = 'fleet-ledger';
  const { ledger, name, lease } = options.fleet as ResolvedFleetOptions;
  if (ledger !== 'database' && 'own' in ledger) {
    report({ step, status: 'skip', message: "the application's own ledger" });
    return;
  }
  if (ledger === 'database' && !(await isTableUsable(pool, options.endpoint.database ?? '', report))) return;
  const kind = ledger === 'database' ? 'database' : 'Redis';
  let store: StoredLedger | undefined;
  try {
    store = ledger === 'database' ? databaseLedger(() => openLone(options)) : redisLedger(ledger.redis);
    const { members, roundTripMs } = await lookAt(store, name, timeoutMs);
    const message = `the ledger in the ${kind} answers in ${shown(roundTripMs)}; fleet ${name} has ${members} ${members === 1 ? 'member' : 'members'}`;
    if (lease >= LEAST_ROUND_TRIPS * roundTripMs) report({ step, status: 'ok', message: message.replace('the Redis', 'Redis') });
    else
      report({
        step,
        status: 'warn',
        message: `${message.replace('the Redis', 'Redis')}, but fleet.lease = ${lease} ms is shorter than ${LEAST_ROUND_TRIPS} round trips`,
        advice: `Raise fleet.lease to at least ${Math.ceil((LEAST_ROUND_TRIPS * roundTripMs) / 1_000) * 1_000}, or move the ledger closer.`,
      });
  } catch (error) {
    const late = (error as Error).name === 'TimeoutError';
    report({
      step,
      status: 'fail',
      message: late
        ? `the ledger in ${kind === 'Redis' ? kind : 'the database'} has not answered within ${timeoutMs} ms`
        : messageOf(error),
      advice:
        'Without the ledger, each process has only its safe share, and new processes have only their floor. Start the ledger, or correct fleet.ledger.',
    });
  } finally {
    await store?.close();
  }
}

/** Gives back the state as it was given, so nothing is stored. */
const countMembers: FleetStep<number> = (state) => ({ state: state as FleetState, reply: state?.members.size ?? 0 });

/** The first round trip waits for the connection. */
const ROUND_TRIPS = 4;

async function lookAt(
  store: StoredLedger,
  name: string,
  timeoutMs: number,
): Promise<{ readonly members: number; readonly roundTripMs: number }> {
  const signal = AbortSignal.timeout(timeoutMs);
  let members = 0;
  let roundTripMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUND_TRIPS; round += 1) {
    const startedAt = performance.now();
    members = await store.transact(name, countMembers, signal);
    roundTripMs = Math.min(roundTripMs, performance.now() - startedAt);
  }
  return { members, roundTripMs };
}

const TABLE = 'poolwright_fleet';
const NO_SUCH_TABLE = 1146;
const TABLE_DENIED = 1142;

/** Reports what stands in the way. A table that is not there yet is made by the first pool, if it may. */
async function isTableUsable(pool: Pool, database: string, report: Report): Promise<boolean> {
  const step = 'fleet-ledger';
  const grants = await column(pool, 'SHOW GRANTS');
  const missing = missingRights(grants, database, TABLE, ['SELECT', 'INSERT', 'UPDATE']);
  const [account] = await column(pool, 'SELECT CURRENT_USER()');
  const grant = `GRANT SELECT, INSERT, UPDATE ON \`${database}\`.${TABLE} TO the account ${account}.`;
  let exists = true;
  try {
    await pool.query(`SELECT 1 FROM ${TABLE} LIMIT 1`);
  } catch (error) {
    const { errno } = error as { readonly errno?: number };
    if (errno !== NO_SUCH_TABLE && errno !== TABLE_DENIED) throw error;
    exists = errno === TABLE_DENIED;
    if (exists) missing.push('SELECT');
  }
  const rights = [...new Set(missing)].join(', ');
  if (rights !== '' && exists) {
    report({ step, status: 'fail', message: `the account lacks ${rights} on the ledger's table ${TABLE}`, advice: grant });
    return false;
  }
  if (exists) return true;
  const lacking = missingRights(grants, database, TABLE, ['CREATE']);
  if (lacking.length === 0 && rights === '')
    report({ step, status: 'ok', message: `the table ${TABLE} does not exist yet; the first pool creates it, and the account may do so` });
  else
    report({
      step,
      status: 'fail',
      message: `the table ${TABLE} does not exist, and the account may not create it`,
      advice: `As an administrator, in the database ${database}: ${FLEET_TABLE.replaceAll(/\s+/g, ' ')}; ${grant}`,
    });
  return false;
}
