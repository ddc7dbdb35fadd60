/** What OpenTelemetry's semantic conventions for databases say of what Poolwright reports: names, kinds, units, levels and stability, with their version. */

/**
 * Taken from https://github.com/open-telemetry/semantic-conventions, model/db/metrics.yaml, docs/db/database-metrics.md, docs/db/mysql.md and
 * docs/db/mariadb.md, and compared with the npm package @opentelemetry/semantic-conventions of this version. It is the first one with
 * `db.client.connection.limit` (pull request 4073).
 */
export const VERSION = '1.45.0';

export type Level = 'required' | 'conditionally required' | 'recommended' | 'opt-in';
export type Stability = 'stable' | 'development';

export interface ConventionOfAttribute {
  readonly level: Level;
  readonly stability: Stability;
}

export interface ConventionOfMetric {
  readonly instrument: 'updowncounter' | 'counter' | 'histogram';
  readonly unit: string;
  readonly stability: Stability;
  readonly level: Level;
  readonly attributes: Readonly<Record<string, ConventionOfAttribute>>;
}

const POOL_NAME = { 'db.client.connection.pool.name': { level: 'required', stability: 'development' } } as const;
const IN_DEVELOPMENT = { stability: 'development', level: 'recommended' } as const;
const CONNECTIONS = { ...IN_DEVELOPMENT, instrument: 'updowncounter', unit: '{connection}', attributes: POOL_NAME } as const;
const TIME = { ...IN_DEVELOPMENT, instrument: 'histogram', unit: 's', attributes: POOL_NAME } as const;

const stable = (level: Level): ConventionOfAttribute => ({ level, stability: 'stable' });

export const METRICS: Readonly<Record<string, ConventionOfMetric>> = {
  'db.client.operation.duration': {
    instrument: 'histogram',
    unit: 's',
    stability: 'stable',
    level: 'recommended',
    attributes: {
      'db.system.name': stable('required'),
      'db.collection.name': stable('conditionally required'),
      'db.namespace': stable('conditionally required'),
      'db.operation.name': stable('conditionally required'),
      'db.response.status_code': stable('conditionally required'),
      'error.type': stable('conditionally required'),
      'server.port': stable('conditionally required'),
      'db.query.summary': stable('recommended'),
      'db.stored_procedure.name': stable('recommended'),
      'network.peer.address': stable('recommended'),
      'network.peer.port': stable('recommended'),
      'server.address': stable('recommended'),
      'db.query.text': stable('opt-in'),
    },
  },
  'db.client.connection.count': {
    ...CONNECTIONS,
    attributes: { ...POOL_NAME, 'db.client.connection.state': { level: 'required', stability: 'development' } },
  },
  'db.client.connection.limit': CONNECTIONS,
  'db.client.connection.idle.max': CONNECTIONS,
  'db.client.connection.idle.min': CONNECTIONS,
  'db.client.connection.pending_requests': { ...CONNECTIONS, unit: '{request}' },
  'db.client.connection.timeouts': { ...CONNECTIONS, instrument: 'counter', unit: '{timeout}' },
  'db.client.connection.create_time': TIME,
  'db.client.connection.wait_time': TIME,
  'db.client.connection.use_time': TIME,
};

/** Of the spans of MySQL and MariaDB, which have the same; `db.system.name` must be `mysql` and `mariadb`. */
export const SPAN_ATTRIBUTES: Readonly<Record<string, ConventionOfAttribute>> = {
  'db.system.name': stable('required'),
  'db.namespace': stable('conditionally required'),
  'db.response.status_code': stable('conditionally required'),
  'error.type': stable('conditionally required'),
  'server.port': stable('conditionally required'),
  'db.collection.name': stable('recommended'),
  'db.operation.batch.size': stable('recommended'),
  'db.operation.name': stable('recommended'),
  'db.query.summary': stable('recommended'),
  'db.query.text': stable('recommended'),
  'db.stored_procedure.name': stable('recommended'),
  'server.address': stable('recommended'),
  'db.query.parameter.<key>': { level: 'opt-in', stability: 'development' },
  'db.response.returned_rows': { level: 'opt-in', stability: 'development' },
};

/** "Should be provided at span creation time", for samplers. */
export const AT_CREATION = ['db.system.name', 'db.namespace', 'db.query.summary', 'db.query.text', 'server.address', 'server.port'];

/** Which connections are counted as `state`. */
export const CONNECTION_STATES = ['idle', 'used'];
