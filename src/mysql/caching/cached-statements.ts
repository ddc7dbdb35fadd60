/** Decides whether the cache may answer a statement, and asks it. */

import { performance } from '../../engine/waiting/index.js';
import { hashOf, statementResult, textOf, withPlainFields } from '../../cache/values/index.js';
import { ANY_TABLE, KEY, TABLE, TAG } from '../../cache/invalidation/index.js';
import {
  type CallerLimits,
  checkedNames,
  policyNames,
  resolvePolicy,
  type ResolvedPolicy,
  withinLimits,
} from '../../cache/contract/index.js';
import type { CacheRequest, QueryCache } from '../../cache/serving/index.js';
import { type Dependencies, dependenciesOf, type Schema } from '../../sql/index.js';
import { invalid, PoolError, refuseUnknownOptions } from '../../engine/index.js';
import { type Flavor, ownFlavor } from '../errors/index.js';
import { type CachedFrom, type CachedRead, cachedReads } from '../observation/index.js';
import type { KnownSchema } from './known-schema.js';
import { type Endpoint, type ResolvedOptions, tracedEndpoint } from '../options/index.js';
import {
  type Statement,
  type StatementCacheOptions,
  StatementLimits,
  type StatementOptions,
  type StatementResult,
} from '../contract/index.js';

/** Runs a statement on the pool. */
export type RunStatement = (statement: Statement) => Promise<StatementResult>;

/** Options of a pool that change what a statement's result is, or what its parameters become. */
const OPTIONS_OF_RESULTS = [
  'host',
  'port',
  'socketPath',
  'database',
  'user',
  'charset',
  'charsetNumber',
  'timezone',
  'typeCast',
  'dateStrings',
  'supportBigNumbers',
  'bigNumberStrings',
  'decimalNumbers',
  'nestTables',
  'rowsAsArray',
  'namedPlaceholders',
  'stringifyObjects',
  'jsonStrings',
  'flags',
  'multipleStatements',
  'queryFormat',
] as const;

const OPTION_NAMES: readonly string[] = [...policyNames, 'key', 'tables'];

/** Of its time, how much a statement waits for the schema. */
const SCHEMA_PATIENCE = 0.25;

/** Texts whose tables are remembered. */
const REMEMBERED = 1_000;
/** In characters. */
const LONGEST_REMEMBERED = 4_000;

/** Statements of a pool that are answered by the cache. */
export class CachedStatements {
  readonly #fingerprint: string;
  readonly #flavor: Flavor;
  readonly #endpoint: Endpoint;
  #known = new Map<string, KnownText>();
  #knownIn: Schema | undefined = undefined;

  constructor(
    readonly cache: QueryCache,
    private readonly schema: KnownSchema,
    private readonly run: RunStatement,
    {
      connection,
      onConnect,
      credentials,
      flavor,
      endpoint,
    }: Pick<ResolvedOptions, 'connection' | 'onConnect' | 'credentials' | 'flavor' | 'endpoint'>,
  ) {
    this.#flavor = flavor;
    this.#endpoint = endpoint;
    const options = connection as Readonly<Record<string, unknown>>;
    const given = OPTIONS_OF_RESULTS.map((name) => [name, options[name] ?? null]);
    // Functions count by their text: the same program has the same ones.
    this.#fingerprint = hashOf(textOf([cache.options.epoch, given, onConnect ?? null, credentials ?? null], 'by text'));
  }

  /**
   * The result of a statement that is to be cached, or undefined: then it is run as any other. Rejects with `POOL_OPTION_INVALID` when the
   * caller asked for the cache and gave a parameter that has no key.
   */
  answer(statement: Statement): Promise<StatementResult> | undefined {
    // What it would answer may depend on the session.
    if (statement.wishes.place?.mark !== undefined) return undefined;
    try {
      const answer = this.#answer(statement);
      if (answer === undefined || this.#flavor === ownFlavor) return answer;
      return answer.catch((error: unknown) => this.#inFlavor(error, statement));
    } catch (error) {
      // A rule is no wish of the caller: what works without the rule works with it.
      return statement.wishes.cache === undefined ? undefined : Promise.reject(error);
    }
  }

  /** The cache has its own words for a statement whose time is up. */
  #inFlavor(error: unknown, { limits }: Statement): never {
    throw PoolError.is(error) && error.code === 'POOL_QUERY_TIMEOUT' ? this.#flavor.statementTimeout(limits?.timeout ?? 0) : error;
  }

  #answer(statement: Statement): Promise<StatementResult> | undefined {
    const { rules, defaults } = this.cache.options;
    const { cache } = statement.wishes;
    if (cache === false) return undefined;
    if (cache === undefined) {
      const policy = rules?.policyOf(statement.sql);
      return policy === undefined ? undefined : this.#fetch({ statement, policy, given: {} });
    }
    const given = cache === true ? {} : checked(cache);
    return this.#fetch({ statement, policy: resolvePolicy(given, defaults), given });
  }

  #fetch(asked: Asked): Promise<StatementResult> | undefined {
    const { statement, policy, given } = asked;
    const now = performance.now();
    const schema = this.schema.at(now);
    if (schema === undefined) return this.#whenSchemaIsKnown(asked, now);
    const known = this.#knownText(statement.sql, schema);
    // Before any value is served: what is there by name may be another statement's.
    if (!this.#isCacheable(known.dependencies, given)) return undefined;
    const { key: name } = given;
    const key = name === undefined ? keyOf(known, statement) : this.#keyNamed(name, schema, statement);
    const hit = this.cache.hit(key, policy, statementResult, now);
    if (hit !== undefined) {
      if (cachedReads.hasSubscribers) this.#publish(statement, 'memory', now, undefined);
      return Promise.resolve(hit as StatementResult);
    }
    const dependsOn = namesBehind(known.dependencies, given);
    for (const tag of policy.tags) dependsOn.push(TAG + tag);
    if (name !== undefined) dependsOn.push(KEY + name);
    const load = (signal: AbortSignal): Promise<unknown> => this.#load(statement, signal);
    const request = { key, names: dependsOn, policy, kind: statementResult, load };
    const answer = cachedReads.hasSubscribers
      ? this.#traced(request, statement, now)
      : (this.cache.fetch(request, callerLimits(statement)) as Promise<StatementResult>);
    const { fallback } = statement.wishes;
    return fallback === undefined ? answer : orFallback(answer, fallback);
  }

  /**
   * Callers wait for the reading that is under way, so that the first of them do not all go to the database; those with a deadline for a part of
   * their time. Undefined when there is none to be waited for.
   */
  #whenSchemaIsKnown(asked: Asked, beganAt: number): Promise<StatementResult> | undefined {
    const { settled } = this.schema;
    if (settled === undefined) return undefined;
    const { timeout = 0, signal } = callerLimits(asked.statement);
    const resume = (): Promise<StatementResult> => {
      const now = performance.now();
      const statement = shortened(asked.statement, now - beganAt);
      const answer = this.schema.at(now) === undefined ? undefined : this.#fetch({ ...asked, statement });
      return answer ?? this.run(statement);
    };
    return withinLimits(settled, { timeout: timeout * SCHEMA_PATIENCE, signal }, 'statement').then(resume, resume);
  }

  async #traced(request: CacheRequest, statement: Statement, startedAt: number): Promise<StatementResult> {
    const trace: { from: CachedFrom | undefined } = { from: undefined };
    try {
      const value = await this.cache.fetch({ ...request, trace }, callerLimits(statement));
      this.#publish(statement, trace.from, startedAt, undefined);
      return value as StatementResult;
    } catch (error) {
      this.#publish(statement, trace.from, startedAt, error);
      throw error;
    }
  }

  /** @param from undefined when its caller has loaded it, and mysql2 has published that statement */
  #publish({ sql }: Statement, from: CachedFrom | undefined, startedAt: number, error: unknown): void {
    if (from === undefined) return;
    const read: CachedRead = { query: sql, ...tracedEndpoint(this.#endpoint), from, startedAt, error };
    cachedReads.publish(read);
  }

  #keyNamed(name: string, { epoch }: Schema, statement: Statement): string {
    return `k${textOf([statement.method, this.#fingerprint, epoch, name])}${optionsOf(statement, 'by text')}`;
  }

  #isCacheable(found: Dependencies, { tables }: StatementCacheOptions): boolean {
    if (found.kind === 'tables') return true;
    if (found.kind !== 'uncacheable' && tables !== undefined) return true;
    if (found.kind === 'unknown') {
      if (found.unknownTable) this.schema.refresh();
      if (this.cache.options.notUnderstood === 'everything') return true;
    }
    this.cache.noteNotCached(found.why);
    return false;
  }

  #knownText(sql: string, schema: Schema): KnownText {
    if (this.#knownIn !== schema || this.#known.size > REMEMBERED) {
      this.#known = new Map();
      this.#knownIn = schema;
    }
    let known = this.#known.get(sql);
    if (known === undefined) {
      const hash = hashOf(textOf([this.#fingerprint, schema.epoch, sql]));
      known = { dependencies: dependenciesOf(sql, schema), query: `q${hash}`, execute: `e${hash}` };
      if (sql.length <= LONGEST_REMEMBERED) this.#known.set(sql, known);
    }
    return known;
  }

  async #load(statement: Statement, signal: AbortSignal): Promise<unknown> {
    return withPlainFields(await this.run(statement.forLoading(signal)));
  }
}

/** What a caller gives the cache: the stricter of its own timeout and the deadline around it. */
function callerLimits({ limits }: Statement): CallerLimits {
  if (limits === undefined) return {};
  const { timeout, dueInMs, signal } = limits;
  const earliest = Math.min(timeout === 0 ? Number.POSITIVE_INFINITY : timeout, dueInMs);
  return {
    ...(earliest === Number.POSITIVE_INFINITY ? {} : { timeout: Math.max(earliest, 1) }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** The statement with what a wait has left of its timeout. */
function shortened(statement: Statement, waitedMs: number): Statement {
  const { limits } = statement;
  if (limits === undefined || limits.timeout === 0) return statement;
  return statement.limitedBy(new StatementLimits(Math.max(limits.timeout - waitedMs, 1), limits.signal, limits.dueAt));
}

/** Precondition: it may be cached. */
function namesBehind(found: Dependencies, { tables }: StatementCacheOptions): string[] {
  if (tables !== undefined) return tables.map((table) => TABLE + table.toLowerCase());
  return found.kind === 'tables' ? found.tables.map((table) => TABLE + table) : [ANY_TABLE];
}

/** What a caller answers instead is that caller's own: it is not cached. */
async function orFallback(answer: Promise<StatementResult>, fallback: NonNullable<StatementOptions['fallback']>): Promise<StatementResult> {
  try {
    return await answer;
  } catch (error) {
    if (PoolError.is(error) && error.code === 'POOL_BREAKER_OPEN') return await fallback(error);
    throw error;
  }
}

/** What there is to know of a statement's text. */
interface KnownText {
  readonly dependencies: Dependencies;
  /** What the keys of its results begin with: flat texts, of which one more with the parameters is soon made. */
  readonly query: string;
  readonly execute: string;
}

interface Asked {
  readonly statement: Statement;
  readonly policy: ResolvedPolicy;
  readonly given: StatementCacheOptions;
}

function checked(cache: StatementCacheOptions): StatementCacheOptions {
  if (typeof cache !== 'object' || cache === null) throw invalid('cache', cache, 'options, true or false');
  refuseUnknownOptions(cache, OPTION_NAMES);
  const { key, tables } = cache;
  checkedNames('tables', tables);
  if (key !== undefined && (typeof key !== 'string' || key === '')) throw invalid('key', key, 'a string that is not empty');
  return cache;
}

/** The key of a result: no two statements whose results may differ have the same one. */
function keyOf(known: KnownText, statement: Statement): string {
  const { method, values } = statement;
  const options = optionsOf(statement, 'refused');
  const parameters = values === undefined ? 'u' : textOf(values);
  return options === '' ? known[method] + parameters : `${known[method]}o${options}o${parameters}`;
}

/** The options of mysql2's, which may change the result, as a text; in most cases there is none. */
function optionsOf({ options }: Statement, functions: 'refused' | 'by text'): string {
  if (options === undefined) return '';
  let text = '';
  for (const name of Object.keys(options).sort()) {
    const value = options[name];
    if (name !== 'sql' && value !== undefined) text += textOf(name) + textOf(value, functions);
  }
  return text;
}
