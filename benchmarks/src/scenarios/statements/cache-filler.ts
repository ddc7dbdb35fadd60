import { createPool } from 'poolwright';
import { createQueryCache } from 'poolwright/cache';
import { cachedStatementOf, cacheOptionsOf, type CacheSettings, differentAnswers, expectAnswer, type Question } from './cache-questions.js';

/** The first process: asks the database for everything once, so that it is in Redis for the one that is measured. */
async function fill({ database, redisUrl }: CacheSettings): Promise<void> {
  const cache = createQueryCache(cacheOptionsOf(redisUrl));
  const pool = createPool({ ...database, connectionLimit: 4, cache });
  await cache.ready();
  let stored = 0;
  for (const question of ['small row', 'aggregate'] satisfies Question[]) {
    for (let number = 1; number <= differentAnswers(question); number += 1) {
      const [rows] = await pool.query(cachedStatementOf(question, number));
      expectAnswer(question, number, rows);
      stored += 1;
    }
  }
  while (cache.stats().stores.redis < stored) await new Promise((resolve) => setTimeout(resolve, 5));
  await pool.end();
  cache.close();
}

process.once('message', (settings) => {
  void fill(settings as CacheSettings).then(() => process.send?.('filled', () => process.disconnect()));
});
