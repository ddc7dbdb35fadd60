import type * as theirs from 'mysql2';
import type theirsAsDefault from 'mysql2';
import type * as theirPromise from 'mysql2/promise';
import { describe, expectTypeOf, it } from 'vitest';
import type * as ours from '../../src/mirror/mysql2.js';
import type oursAsDefault from '../../src/mirror/mysql2.js';
import type * as ourPromise from '../../src/mirror/promise.js';
import type ourPromiseAsDefault from '../../src/mirror/promise.js';

type Names<T> = Exclude<keyof T, 'default' | 'module.exports'>;

describe('the types of the mirrors', () => {
  it('know every name of mysql2', () => {
    expectTypeOf<Exclude<Names<typeof theirs>, keyof typeof ours>>().toEqualTypeOf<never>();
    expectTypeOf<Exclude<Names<typeof theirPromise>, keyof typeof ourPromise>>().toEqualTypeOf<never>();
  });

  it('are assignable to those of mysql2, and the other way round', () => {
    expectTypeOf<typeof ours>().toExtend<Pick<typeof theirs, Names<typeof theirs>>>();
    expectTypeOf<typeof theirs>().toExtend<Pick<typeof ours, Names<typeof theirs>>>();
    expectTypeOf<typeof ourPromise>().toExtend<Pick<typeof theirPromise, Names<typeof theirPromise>>>();
    expectTypeOf<typeof theirPromise>().toExtend<Pick<typeof ourPromise, Names<typeof theirPromise>>>();
  });

  it('name the types of mysql2 in every way in which code does', () => {
    expectTypeOf<ours.Pool>().toEqualTypeOf<theirs.Pool>();
    expectTypeOf<oursAsDefault.PoolConnection>().toEqualTypeOf<theirsAsDefault.PoolConnection>();
    expectTypeOf<ourPromise.Pool>().toEqualTypeOf<theirPromise.Pool>();
    expectTypeOf<ourPromiseAsDefault.RowDataPacket>().toEqualTypeOf<theirPromise.RowDataPacket>();
  });

  it('know the options of Poolwright too', () => {
    expectTypeOf(null as unknown as typeof ours.createPool).toBeCallableWith({ host: 'db', acquireTimeout: 500, hygiene: 'auto' });
    expectTypeOf(null as unknown as typeof ourPromise.createPool).toBeCallableWith({ uri: 'mysql://db', maxLifetime: 60_000 });
  });
});
