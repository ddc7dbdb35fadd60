/** The cache for Kysely: a dialect that asks the cache before it takes a connection, and a plugin that marks queries as cached. */
import { invalid, refuseUnknownOptions } from '../../engine/index.js';
import { anyValue, textOf, type ValueKind } from '../values/index.js';
import { ANY_TABLE, namesOf } from '../invalidation/index.js';
import { type CachePolicy, policyNames, resolvePolicy } from '../contract/index.js';
import type { QueryCache } from '../serving/index.js';

/** The part of Kysely that the cache uses, as Kysely declares it. */
interface CompiledQuery {
  readonly query: { readonly kind: string };
  readonly queryId: object;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

interface Connection {
  executeQuery(query: CompiledQuery, ...rest: never[]): Promise<unknown>;
  streamQuery(query: CompiledQuery, ...rest: never[]): AsyncIterableIterator<unknown>;
}

interface Driver {
  acquireConnection(...rest: unknown[]): Promise<Connection>;
  releaseConnection(connection: Connection, ...rest: unknown[]): Promise<void>;
}

interface Dialect {
  createDriver(): object;
}

/** How the queries of a Kysely plugin are cached. */
export interface KyselyCacheOptions extends CachePolicy {
  /**
   * The tables that the queries depend on: the text of a query does not show which tables its views and routines read. Default: all, that is,
   * any write through a pool with this cache makes the result invalid.
   */
  readonly tables?: readonly string[];
}

/** The two ends of Kysely at which a cache is put. */
export interface KyselyCache {
  /** The same dialect, with a driver that asks the cache before it takes a connection. */
  dialect<T extends object>(dialect: T): T;
  /** Marks the queries of `db.withPlugin(…)` as cached. */
  plugin(options?: KyselyCacheOptions): {
    // oxlint-disable-next-line typescript/no-explicit-any -- Kysely's own types are not known here.
    transformQuery(given: any): any;
    // oxlint-disable-next-line typescript/no-explicit-any -- as above
    transformResult(given: any): Promise<any>;
  };
}

/**
 * Makes a cache for queries of Kysely. A query in a transaction is neither answered by the cache nor stored in it.
 *
 * @param options.scope names the database: caches of one prefix may serve several
 * @throws PoolError `POOL_OPTION_INVALID`
 *
 * @example
 * ```ts
 * const cached = kyselyCache(cache, { scope: 'orders' });
 * const db = new Kysely<Database>({ dialect: cached.dialect(new MysqlDialect({ pool: pool.pool })) });
 * await db.withPlugin(cached.plugin({ ttl: 5_000, tables: ['users'] })).selectFrom('users').selectAll().execute();
 * ```
 */
export function kyselyCache(cache: QueryCache, { scope }: { readonly scope: string }): KyselyCache {
  if (typeof scope !== 'string' || scope === '') throw invalid('scope', scope, 'a string that names the database');
  const asked = new WeakMap<object, KyselyCacheOptions>();
  return {
    dialect: (dialect) =>
      new Proxy(dialect, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (name === 'createDriver') return () => cachedDriver((target as Dialect).createDriver() as Driver, cache, scope, asked);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      }),
    plugin: (options = {}) => {
      refuseUnknownOptions(options, ['tables', ...policyNames]);
      resolvePolicy(options, cache.options.defaults);
      return {
        transformQuery: ({ node, queryId }: { node: unknown; queryId: object }) => {
          asked.set(queryId, options);
          return node;
        },
        transformResult: async ({ result }: { result: unknown }) => result,
      };
    },
  };
}

const kyselyResult: ValueKind = {
  ...anyValue,
  isNegative: (value) => (value as { readonly rows?: readonly unknown[] }).rows?.length === 0,
};

/** A connection that is acquired when a query needs it. */
class LazyConnection implements Connection {
  inTransaction = false;
  #acquired: Promise<Connection> | undefined = undefined;

  constructor(
    private readonly driver: Driver,
    private readonly acquireOptions: readonly unknown[],
    private readonly answer: (query: CompiledQuery) => Promise<unknown> | undefined,
  ) {}

  acquireConnection(): Promise<Connection> {
    this.#acquired ??= this.driver.acquireConnection(...this.acquireOptions);
    return this.#acquired;
  }

  async executeQuery(query: CompiledQuery, ...rest: never[]): Promise<unknown> {
    const answer = this.inTransaction ? undefined : this.answer(query);
    return await (answer ?? (await this.acquireConnection()).executeQuery(query, ...rest));
  }

  async *streamQuery(query: CompiledQuery, ...rest: never[]): AsyncIterableIterator<unknown> {
    yield* (await this.acquireConnection()).streamQuery(query, ...rest);
  }

  async release(...rest: unknown[]): Promise<void> {
    const acquired = await this.#acquired?.catch(() => undefined);
    if (acquired !== undefined) await this.driver.releaseConnection(acquired, ...rest);
  }
}

function cachedDriver(driver: Driver, cache: QueryCache, scope: string, asked: WeakMap<object, KyselyCacheOptions>): object {
  const load = async (query: CompiledQuery): Promise<unknown> => {
    const connection = await driver.acquireConnection();
    try {
      return await connection.executeQuery(query);
    } finally {
      await driver.releaseConnection(connection);
    }
  };
  const answer = (query: CompiledQuery): Promise<unknown> | undefined => {
    const options = asked.get(query.queryId);
    if (options === undefined || query.query.kind !== 'SelectQueryNode') return undefined;
    const policy = resolvePolicy(options, cache.options.defaults);
    const names = namesOf({ tags: policy.tags, ...(options.tables === undefined ? {} : { tables: options.tables }) });
    return cache.read(
      {
        key: `y${textOf([scope, query.sql, query.parameters])}`,
        names: options.tables === undefined ? [...names, ANY_TABLE] : names,
        policy,
        kind: kyselyResult,
        load: () => load(query),
      },
      {},
      query.sql,
    );
  };
  return new Proxy(driver, {
    get: (target, name) => {
      if (name === 'acquireConnection') return async (...options: unknown[]) => new LazyConnection(target, options, answer);
      if (name === 'releaseConnection') return (connection: LazyConnection, ...rest: unknown[]) => connection.release(...rest);
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]): Promise<unknown> => {
        const [connection] = given;
        if (!(connection instanceof LazyConnection)) return await Reflect.apply(value as () => unknown, target, given);
        // Every other method that takes a connection begins or continues a transaction.
        connection.inTransaction = name !== 'commitTransaction' && name !== 'rollbackTransaction';
        return await Reflect.apply(value as () => unknown, target, [await connection.acquireConnection(), ...given.slice(1)]);
      };
    },
  });
}
