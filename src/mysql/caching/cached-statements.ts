import { performance } from 'node:perf_hooks';
import { hashOf, statementResult, textOf, withPlainFields } from '../../cache/values/index.js';
import { KEY, TABLE, TAG } from '../../cache/invalidation/index.js';
import {
  type CallerLimits,
  checkLimits,
  checkedNames,
  policyNames,
  resolvePolicy,
  type ResolvedPolicy,
  withinLimits,
} from '../../cache/contract/index.js';
import type { QueryCache } from '../../cache/serving/index.js';
import { dependenciesOf, DEPENDS_ON_ALL, type Dependencies } from '../../cache/statement.js';
import type { Schema } from '../../cache/schema.js';
import { invalid, PoolError, refuseUnknownOptions } from '../../engine/index.js';
import type { QueryValues } from '../driver/index.js';
import { type Flavor, ownFlavor } from '../errors/index.js';
import type { KnownSchema } from './known-schema.js';
import type { ResolvedOptions } from '../options/index.js';
import type { StatementCacheOptions, StatementOptions, StatementResult } from '../contract/index.js';
import { copyOf, statementInTime } from '../limits/index.js';

/** Runs a statement on the pool. */
export type RunStatement = (
  method: 'query' | 'execute',
  sql: StatementOptions,
  values: QueryValues | undefined,
) => Promise<StatementResult>;

type Method = 'query' | 'execute';

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

/** Of a statement's options, those that do not change what its result is. */
const OPTIONS_OF_CALLS = new Set(['sql', 'values', 'timeout', 'signal', 'cache', 'idempotent', 'priority', 'fairnessKey', 'fallback']);

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
  #known = new Map<string, KnownText>();
  #knownIn: Schema | undefined = undefined;

  constructor(
    readonly cache: QueryCache,
    private readonly schema: KnownSchema,
    private readonly run: RunStatement,
    { connection, onConnect, credentials, flavor }: Pick<ResolvedOptions, 'connection' | 'onConnect' | 'credentials' | 'flavor'>,
  ) {
    this.#flavor = flavor;
    const options = connection as Readonly<Record<string, unknown>>;
    const given = OPTIONS_OF_RESULTS.map((name) => [name, options[name] ?? null]);
    // Functions count by their text: the same program has the same ones.
    this.#fingerprint = hashOf(textOf([cache.options.epoch, given, onConnect ?? null, credentials ?? null], 'by text'));
  }

  /** The result of a statement that is to be cached, or undefined: then it is run as any other. Rejects with `POOL_OPTION_INVALID`, too. */
  take(method: Method, sql: string | StatementOptions, values: QueryValues | undefined): Promise<StatementResult> | undefined {
    try {
      const answer = this.#take(method, sql, values);
      return answer === undefined || this.#flavor === ownFlavor ? answer : answer.catch((error: unknown) => this.#inItsWords(error, sql));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The cache has its own words for a caller whose time is up. */
  #inItsWords(error: unknown, sql: string | StatementOptions): never {
    const { timeout = 0 } = typeof sql === 'string' ? {} : sql;
    throw PoolError.is(error) && error.code === 'POOL_QUERY_TIMEOUT' ? this.#flavor.statementTimeout(timeout) : error;
  }

  #take(method: Method, sql: string | StatementOptions, values: QueryValues | undefined): Promise<StatementResult> | undefined {
    const { rules } = this.cache.options;
    if (typeof sql === 'string') {
      const policy = rules?.policyOf(sql);
      return policy === undefined ? undefined : this.#fetch({ method, statement: { sql }, values, policy, given: {} });
    }
    const { cache } = sql;
    if (cache === undefined && rules === undefined) return undefined;
    if (cache === false) return undefined;
    if (cache === undefined) {
      const policy = rules?.policyOf(sql.sql);
      return policy === undefined ? undefined : this.#fetch({ method, statement: sql, values, policy, given: {} });
    }
    const given = cache === true ? {} : checked(cache);
    return this.#fetch({ method, statement: sql, values, policy: resolvePolicy(given, this.cache.options.defaults), given });
  }

  #fetch(asked: Asked): Promise<StatementResult> | undefined {
    const statement = statementInTime(asked.statement) as StatementOptions;
    const { method, values = statement.values, policy, given } = asked;
    checkLimits(statement);
    const now = performance.now();
    const schema = this.schema.at(now);
    if (schema === undefined) return this.#whenSchemaIsKnown(asked);
    const known = this.#knownText(statement.sql, schema);
    // Before any value is served: what is there by name may be another statement's.
    if (!this.#isCacheable(known.dependencies, given)) return undefined;
    const { key: name } = given;
    const key = name === undefined ? keyOf(known, method, statement, values) : this.#keyNamed(name, schema, method, statement);
    const hit = this.cache.hit(key, policy, statementResult, now);
    if (hit !== undefined) return Promise.resolve(hit as StatementResult);
    const dependsOn = namesBehind(known.dependencies, given);
    for (const tag of policy.tags) dependsOn.push(TAG + tag);
    if (name !== undefined) dependsOn.push(KEY + name);
    const request = {
      key,
      names: dependsOn,
      policy,
      kind: statementResult,
      load: (signal: AbortSignal) => this.#load(method, statement, values, signal),
    };
    const answer = this.cache.fetch(request, statement) as Promise<StatementResult>;
    return statement.fallback === undefined ? answer : orFallback(answer, statement.fallback);
  }

  /** Callers wait for it, so that the first of them do not all go to the database; those with a deadline for a part of their time. */
  #whenSchemaIsKnown(asked: Asked): Promise<StatementResult> {
    const { method, statement, values } = asked;
    const { timeout = 0, signal } = statement as CallerLimits;
    const beganAt = performance.now();
    const goOn = (): Promise<StatementResult> => {
      const left = timeout === 0 ? statement : copyOf(statement, { timeout: Math.max(timeout - (performance.now() - beganAt), 1) });
      const known = this.schema.at(performance.now()) === undefined ? undefined : this.#fetch({ ...asked, statement: left });
      return known ?? this.run(method, copyOf(left, { cache: false }), values);
    };
    return withinLimits(this.schema.settled, timeout * SCHEMA_PATIENCE, signal).then(goOn, goOn);
  }

  #keyNamed(name: string, { epoch }: Schema, method: Method, statement: StatementOptions): string {
    return `k${textOf([method, this.#fingerprint, epoch, name])}${optionsOf(statement, 'by text')}`;
  }

  #isCacheable(found: Dependencies, { tables }: StatementCacheOptions): boolean {
    if (found.kind !== 'unknown') return found.kind === 'tables';
    if (tables !== undefined) return true;
    if (found.unknownTable) this.schema.refresh();
    return this.cache.options.notUnderstood === 'everything';
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

  async #load(method: Method, statement: StatementOptions, values: QueryValues | undefined, signal: AbortSignal): Promise<unknown> {
    return withPlainFields(await this.run(method, copyOf(statement, { cache: false, timeout: 0, signal, fallback: undefined }), values));
  }
}

/** Precondition: it may be cached. */
function namesBehind(found: Dependencies, { tables }: StatementCacheOptions): string[] {
  if (tables !== undefined) return tables.map((table) => TABLE + table.toLowerCase());
  return found.kind === 'tables' ? [...found.names] : [...DEPENDS_ON_ALL];
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
  readonly method: Method;
  readonly statement: StatementOptions;
  readonly values: QueryValues | undefined;
  readonly policy: ResolvedPolicy;
  readonly given: StatementCacheOptions;
}

function checked(cache: StatementCacheOptions): StatementCacheOptions {
  if (typeof cache !== 'object' || cache === null) throw invalid('cache', cache, 'options, true or false');
  refuseUnknownOptions(cache, OPTION_NAMES);
  const { key, tables } = cache;
  checkedNames('tables', tables);
  if (key !== undefined && (typeof key !== 'string' || key === '')) throw invalid('key', key, 'a text that is not empty');
  return cache;
}

/** The key of a result: no two statements whose results may differ have the same one. */
function keyOf(known: KnownText, method: Method, statement: StatementOptions, values: QueryValues | undefined): string {
  const options = optionsOf(statement, 'refused');
  const parameters = values === undefined ? 'u' : textOf(values);
  return options === '' ? known[method] + parameters : `${known[method]}o${options}o${parameters}`;
}

/** Those of a statement's options that change its result, as a text; in most cases there is none. */
function optionsOf(statement: StatementOptions, functions: 'refused' | 'by text'): string {
  let names: string[] | undefined;
  // What is inherited is not sent along when the result is loaded, see `copyOf`.
  for (const name in statement) if (!OPTIONS_OF_CALLS.has(name) && Object.hasOwn(statement, name)) (names ??= []).push(name);
  if (names === undefined) return '';
  let text = '';
  for (const name of names.sort()) {
    const value = (statement as unknown as Record<string, unknown>)[name];
    if (value !== undefined) text += textOf(name) + textOf(value, functions);
  }
  return text;
}
