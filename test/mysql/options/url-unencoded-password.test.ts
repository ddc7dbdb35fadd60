import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { resolveOptions } from '../../../src/mysql/options/resolve.js';
import { leaksIn } from '../support/refusals.js';

/** What is shown of a URL: the refusal, or the pool's name, endpoint and user. */
function shownOf(url: string): unknown {
  try {
    const { atStart, endpoint, connection } = resolveOptions({ target: url }, 'own', {});
    return { name: atStart.name, endpoint, user: connection.user };
  } catch (error) {
    if (!PoolError.is(error)) throw error;
    return error;
  }
}

describe('I13: a password whose special characters were not percent-encoded', () => {
  it.each([
    'mysql://app:/Qx7ZzQx7Zz@db.example.com/shop',
    'mysql://app:?Qx7ZzQx7Zz@db.example.com/shop',
    'mysql://app:12/Qx7ZzQx7Zz@db.example.com/shop',
    'mysql://app:12?Qx7ZzQx7Zz@db.example.com/shop',
    'mysql:app:Qx7ZzQx7Zz@db.example.com/shop',
    'mysql:/app:Qx7ZzQx7Zz@db.example.com/shop',
  ])('is shown neither in the refusal nor in the name, host or database of the pool: %s', (url) => {
    expect(leaksIn(shownOf(url), ['Qx7ZzQx7Zz'])).toEqual([]);
  });

  it.each([
    'mysql://app:#Qx7ZzQx7Zz@db.example.com/shop',
    'mysql://app:12#Qx7ZzQx7Zz@db.example.com/shop',
    'mysql:app:Qx7ZzQx7Zz@db.example.com/shop',
  ])('is refused: no pool connects to a host that was made of the user’s name: %s', (url) => {
    expect(shownOf(url)).toMatchObject({ code: 'POOL_OPTION_INVALID' });
  });

  it('of any characters is understood as it is or refused, and shown in neither case', () => {
    const unit = fc.constantFrom('Q', 'Z', 'X', '7', '1', '2', '#', '/', '?', '%', ':', '&', '=', 'é', '+', ';', '"', "'", '\\');
    fc.assert(
      fc.property(fc.string({ unit, minLength: 6, maxLength: 16 }), (password) => {
        expect(leaksIn(shownOf(`mysql://app:${password}@db.example.com/shop`), [password])).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
