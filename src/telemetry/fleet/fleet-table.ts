/** What is exported of fleets, as one table: for Prometheus and for OpenTelemetry. */

import type { FleetDenial, FleetPhase, FleetSnapshot } from '../../fleet/contract/index.js';
import type { MetricDescription } from '../collected-metric.js';
import type { ObservedPool, PoolReader } from '../pool-source.js';

/** A metric of each pool in a fleet. */
export interface FleetMetric extends MetricDescription {
  /** OpenTelemetry's name of it, behind `poolwright.fleet.`. */
  readonly otel: string;
  readonly unit: string;
  /** The label by which it has several values. */
  readonly label?: 'reason' | 'phase';
  /** Its values by that label; one without a label is ''. */
  readonly values: (fleet: FleetSnapshot) => Readonly<Record<string, number>>;
}

type Kind = Pick<FleetMetric, 'type' | 'aggregator'>;

/** Of this process: those of all processes add up. */
const OWN: Kind = { type: 'gauge', aggregator: 'sum' };
/** Of the whole fleet: each process says the same. */
const WHOLE: Kind = { type: 'gauge', aggregator: 'max' };
const CONNECTIONS = '{connection}';

const PHASES: readonly FleetPhase[] = ['starting', 'learning', 'leased', 'safe share'];
const DENIALS: readonly FleetDenial[] = ['budget', 'learning', 'ledger', 'congestion'];

/** The one table of what is exported of fleets. */
export const FLEET_METRICS: readonly FleetMetric[] = [
  {
    ...OWN,
    name: 'fleet_lease',
    otel: 'lease',
    unit: CONNECTIONS,
    help: "Connections that the ledger's last answer allows the pool. The floor before the first answer.",
    values: ({ lease }) => only(lease),
  },
  {
    ...OWN,
    name: 'fleet_ceiling',
    otel: 'ceiling',
    unit: CONNECTIONS,
    help: 'The maximum number of connections that the pool opens now: its lease, its safe share, or less while the server refuses connections. With dryRun, the number that would apply.',
    values: ({ ceiling }) => only(ceiling),
  },
  {
    ...OWN,
    name: 'fleet_demand',
    otel: 'demand',
    unit: CONNECTIONS,
    help: 'Connections that the pool could use: the peak of the last lease.',
    values: ({ demand }) => only(demand),
  },
  {
    ...WHOLE,
    name: 'fleet_budget',
    otel: 'budget',
    unit: CONNECTIONS,
    help: 'The budget in force: the most connections of all members. There is no value until it is known.',
    values: ({ budget }) => (budget === undefined ? {} : only(budget)),
  },
  {
    ...WHOLE,
    name: 'fleet_granted',
    otel: 'granted',
    unit: CONNECTIONS,
    help: 'Connections that all members with a lease may have.',
    values: ({ granted }) => only(granted),
  },
  {
    ...WHOLE,
    name: 'fleet_reserved',
    otel: 'reserved',
    unit: CONNECTIONS,
    help: 'Connections that stay free for absent members.',
    values: ({ reserved }) => only(reserved),
  },
  {
    ...WHOLE,
    name: 'fleet_overhang',
    otel: 'overhang',
    unit: CONNECTIONS,
    help: 'Connections above the reserve that lost and unknown members may still hold.',
    values: ({ overhang }) => only(overhang),
  },
  {
    ...WHOLE,
    name: 'fleet_members',
    otel: 'members',
    unit: '{member}',
    help: 'Members that have a lease.',
    values: ({ members }) => only(members),
  },
  {
    ...WHOLE,
    name: 'fleet_processes',
    otel: 'processes',
    unit: '{member}',
    help: 'The number of processes in force: the most members that may exist at once.',
    values: ({ processes }) => only(processes),
  },
  {
    ...WHOLE,
    name: 'fleet_ledger_age_seconds',
    otel: 'ledger.age',
    unit: 's',
    help: 'How long ago the last request was sent that the ledger has answered. Before the first answer, how long the pool has waited for it.',
    values: ({ ledger, phaseMs }) => only((ledger.ageMs ?? phaseMs) / 1_000),
  },
  {
    ...WHOLE,
    name: 'fleet_lease_seconds',
    otel: 'lease.duration',
    unit: 's',
    help: 'How long a lease lasts.',
    values: ({ leaseMs }) => only(leaseMs / 1_000),
  },
  {
    ...OWN,
    name: 'fleet_phase',
    otel: 'phase',
    unit: '1',
    help: 'Whether the pool is in this phase: starting, learning, leased, or safe share.',
    label: 'phase',
    values: ({ phase }) => Object.fromEntries(PHASES.map((one) => [one, one === phase ? 1 : 0])),
  },
  {
    type: 'counter',
    aggregator: 'sum',
    name: 'fleet_denied_total',
    otel: 'denied',
    unit: '{denial}',
    help: 'How often callers waited at the ceiling when the pool checked, by the reason that the ceiling was not raised: budget, learning, or ledger. The reason congestion counts connections that the server refused.',
    label: 'reason',
    values: ({ denied }) => Object.fromEntries(DENIALS.map((reason) => [reason, denied[reason]])),
  },
];

/** Pools that are members of a fleet now. One that has left says no more. */
export function fleetsOf(pools: PoolReader): (readonly [pool: string, fleet: FleetSnapshot])[] {
  return [...pools().values()].flatMap((pool) => {
    const fleet = fleetIn(pool);
    return fleet === undefined || fleet.phase === 'left' ? [] : [[pool.name, fleet] as const];
  });
}

/** What a pool knows of its fleet; undefined: it is in none. */
export function fleetIn(pool: ObservedPool): FleetSnapshot | undefined {
  return pool.fleet;
}

function only(value: number): Readonly<Record<string, number>> {
  return { '': value };
}
