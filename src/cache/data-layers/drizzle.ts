/** The cache for Drizzle: answers its `$withCache()` queries, and invalidates at its `$cache.invalidate()`. */
import { performance } from '../../engine/waiting/index.js';
import { invalid, PoolError, refuseUnknownOptions } from '../../engine/index.js';
import { statementResult, withPlainFields } from '../values/index.js';
import { KEY, namesReadFrom, tableNames, TAG } from '../invalidation/index.js';
import { type CachePolicy, checkedNames, policyNames, resolvePolicy } from '../contract/index.js';
import type { CacheRequest, Departure, QueryCache } from '../serving/index.js';

/** The part of Drizzle's `CacheConfig` that the cache understands. */
interface DrizzleConfig {
  /** Seconds. */
  readonly ex?: number;
  /** Milliseconds. */
  readonly px?: number;
}

/** The part of a Drizzle database over mysql2 that the cache uses. */
interface DrizzleDatabase {
  session?: { cache?: unknown; options?: { cache?: unknown } };
  $cache?: unknown;
}

/** What `withDrizzleCache` takes. */
export interface DrizzleCacheOptions extends CachePolicy {
  /** Names the database: caches of one prefix may serve several. */
  readonly scope: string;
  /** 'explicit': queries with `$withCache()` are cached. 'all': every select is, except with `$withCache(false)`. Default: 'explicit'. */
  readonly strategy?: 'explicit' | 'all';
  /**
   * What a query depends on. Drizzle names the tables after FROM and JOIN, but not those of subqueries in conditions, of views and of raw SQL.
   * 'everything': any write through the pool makes it invalid. 'named': only writes to the tables that Drizzle names. Default: 'everything'.
   */
  readonly dependsOn?: 'everything' | 'named';
}

/** A query that found nothing in the cache must bring its result within this time, or the result is not stored. */
const LONGEST_QUERY_MS = 60_000;
const MOST_DEPARTURES = 10_000;

/** Drizzle's `Cache`. Its methods are properties, because Drizzle detaches them from the object. */
class DrizzleCache {
  /** What the process knew when a query found nothing; for several at once, what the first one knew. */
  readonly #departures = new Map<string, Departure>();

  constructor(
    private readonly cache: QueryCache,
    private readonly options: DrizzleCacheOptions,
  ) {}

  readonly strategy = (): 'explicit' | 'all' => this.options.strategy ?? 'explicit';

  readonly get = async (key: string, tables: string[], isTag: boolean, isAutoInvalidate = true): Promise<unknown[] | undefined> => {
    const request = this.#request(key, isAutoInvalidate ? tables : [], isTag);
    const found = await this.cache.find(request);
    if (found !== undefined) return found as unknown[];
    const known = this.#departures.get(request.key);
    if (known !== undefined && performance.now() - known.startedAt < LONGEST_QUERY_MS) return undefined;
    if (this.#departures.size >= MOST_DEPARTURES) this.#departures.clear();
    this.#departures.delete(request.key);
    this.#departures.set(request.key, this.cache.departure());
    return undefined;
  };

  readonly put = async (key: string, response: unknown, tables: string[], isTag: boolean, config?: DrizzleConfig): Promise<void> => {
    const request = this.#request(key, tables, isTag, config);
    const departure = this.#departures.get(request.key);
    this.#departures.delete(request.key);
    // Without the beginning of the query, the invalidations that it has missed are unknown.
    if (departure === undefined || !Array.isArray(response)) return;
    await this.cache.storeLoaded(request, departure, withPlainFields(response as [unknown, unknown]));
  };

  readonly onMutate = async ({ tags, tables }: { readonly tags?: string | string[]; readonly tables?: unknown }): Promise<void> => {
    const keys = [tags ?? []].flat().map((tag) => KEY + this.options.scope + tag);
    const named = [tables ?? []].flat().map((table) => nameOfTable(table));
    await this.cache.invalidateNames([...keys, ...tableNames(named)]);
  };

  #request(key: string, tables: readonly string[], isTag: boolean, { ex, px }: DrizzleConfig = {}): CacheRequest {
    const { scope, strategy: _strategy, dependsOn = 'everything', ...policy } = this.options;
    const ttl = px ?? (ex === undefined ? undefined : ex * 1_000);
    const writes = namesReadFrom(dependsOn === 'everything' ? 'everything' : tables);
    return {
      key: `d${scope.length}:${scope}${isTag ? 't' : 'q'}${key}`,
      // No tables: the query was built with `autoInvalidate: false`.
      names: [
        ...(tables.length === 0 ? [] : writes),
        ...(isTag ? [KEY + scope + key] : []),
        ...(policy.tags ?? []).map((tag) => TAG + tag),
      ],
      policy: resolvePolicy({ ...policy, ...(ttl === undefined ? {} : { ttl }) }, this.cache.options.defaults),
      kind: statementResult,
      load: () => Promise.reject(new Error('bug: Drizzle loads by itself')),
    };
  }
}

/**
 * Gives a Drizzle database a cache, for its `$withCache()` and `$cache.invalidate()`. Queries in its transactions are neither answered by the
 * cache nor stored in it; with Drizzle's own option `cache` they would be.
 *
 * Every write through a pool with this cache invalidates, also Drizzle's raw ones.
 *
 * @returns the same database
 * @throws PoolError `POOL_OPTION_INVALID`
 *
 * @example
 * ```ts
 * const db = withDrizzleCache(drizzle({ client: pool }), cache, { scope: 'orders', ttl: 5_000 });
 * await db.select().from(users).$withCache();
 * ```
 */
export function withDrizzleCache<T extends object>(db: T, cache: QueryCache, options: DrizzleCacheOptions): T {
  refuseUnknownOptions(options, ['scope', 'strategy', 'dependsOn', ...policyNames]);
  const { scope, strategy = 'explicit', dependsOn = 'everything', tags } = options;
  if (typeof scope !== 'string' || scope === '') throw invalid('scope', scope, 'a string that names the database');
  if (!['explicit', 'all'].includes(strategy)) throw invalid('strategy', strategy, "'explicit' or 'all'");
  if (!['everything', 'named'].includes(dependsOn)) throw invalid('dependsOn', dependsOn, "'everything' or 'named'");
  checkedNames('tags', tags);
  const database = db as DrizzleDatabase;
  const { session } = database;
  if (typeof session?.options !== 'object' || !('cache' in session)) {
    throw new PoolError('POOL_OPTION_INVALID', 'This is not a database of drizzle-orm/mysql2, or one of a version that has no caches.');
  }
  const drizzleCache = new DrizzleCache(cache, options);
  session.cache = drizzleCache;
  // Sessions of transactions are made with these options.
  delete session.options.cache;
  database.$cache = Object.assign(drizzleCache, { invalidate: drizzleCache.onMutate });
  return db;
}

/** Tables may be given as Drizzle's objects. */
function nameOfTable(table: unknown): string {
  return typeof table === 'string' ? table : String((table as Record<symbol, unknown>)[Symbol.for('drizzle:Name')]);
}
