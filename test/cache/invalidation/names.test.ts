import { describe, expect, it } from 'vitest';
import { namesChangedIn, namesOf, namesReadFrom, tableNames, withAnyTable } from '../../../src/cache/invalidation/names.js';

describe('the names of tables', () => {
  it('are distinguished from tags and keys, and are the same in any case of letters', () => {
    expect(tableNames(['Users', 'ORDERS'])).toEqual(['t:users', 't:orders']);
    expect(namesOf({ tables: ['Users'], tags: ['Users'], keys: ['Users'] })).toEqual(['g:Users', 't:users', 'k:Users']);
  });

  it('that are unknown: any write makes the value invalid, and the write makes every value invalid', () => {
    expect(namesReadFrom(['a'])).toEqual(['t:a']);
    expect(namesChangedIn(['a'])).toEqual(['t:a']);
    expect(namesReadFrom('everything')).toEqual(['t:*']);
    expect(namesChangedIn('everything')).toEqual(['*']);
    expect(namesReadFrom([])).toEqual([]);
  });

  it('make invalid what depends on unknown tables; tags and keys do not', () => {
    expect(withAnyTable(['t:a', 'g:b'])).toEqual(['t:a', 'g:b', 't:*']);
    expect(withAnyTable(['g:t:a', 'k:b', '*'])).toEqual(['g:t:a', 'k:b', '*']);
  });
});

describe('what an invalidation names', () => {
  it('is everything for `all`, and nothing for nothing', () => {
    expect(namesOf({ all: true, tags: ['a'] })).toEqual(['g:a', '*']);
    expect(namesOf({ all: false })).toEqual([]);
    expect(namesOf({})).toEqual([]);
  });

  it.each([{ tags: 'a' }, { tables: [''] }, { keys: [1] }, { all: 'yes' }])('is refused: %j', (what) => {
    expect(() => namesOf(what as never)).toThrow(expect.objectContaining({ code: 'POOL_OPTION_INVALID' }) as Error);
  });
});
