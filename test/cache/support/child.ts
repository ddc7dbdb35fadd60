import { createQueryCache, type QueryCacheOptions } from '../../../src/cache/index.js';
import { createPool } from '../../../src/index.js';
import type { Answer, Question } from './children.js';

/** A process with a pool and a cache, which does what its parent asks; see children.ts. */

const [, , databaseUrl = '', cacheOptions = '{}'] = process.argv;
const cache = createQueryCache(JSON.parse(cacheOptions) as QueryCacheOptions);
const pool = createPool(databaseUrl, { cache, connectionLimit: 20, minIdle: 0 });

function tell(answer: Answer): void {
  process.send?.(answer);
}

process.on('message', ({ statement, callers }: Question) => {
  const answers = Array.from({ length: callers }, () =>
    pool.query(statement).then(
      ([rows]) => JSON.stringify(rows),
      (error: Error) => `failed: ${error.message}`,
    ),
  );
  tell({ kind: 'asked' });
  void Promise.all(answers).then((all) => tell({ kind: 'answered', answers: [...new Set(all)], count: all.length, stats: cache.stats() }));
});

await cache.ready();
tell({ kind: 'ready' });
