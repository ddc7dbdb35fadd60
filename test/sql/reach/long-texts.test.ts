/** Texts that are too long to be read while callers wait: they count as the worst that they may be. */
import { describe, expect, it } from 'vitest';
import { dependenciesOf, effectOf, Schema } from '../../../src/sql/index.js';

describe('the effect of a text', () => {
  it('with more than 131 072 words and signs is a write of everything, which may have changed the schema', () => {
    const long = `DELETE FROM t WHERE a IN (${'1,'.repeat(80_000)}1)`;
    expect(effectOf(long, undefined)).toMatchObject({ kind: 'writes', tables: 'everything', anything: true });
    expect(effectOf(`DO ${'1,'.repeat(80_000)}1`, undefined)).toMatchObject({ kind: 'writes', tables: 'everything', anything: true });
  });

  it('of more than 1 000 statements is a change of the schema', () => {
    expect(effectOf('DO 1;'.repeat(1_000), undefined)).toEqual({ kind: 'none' });
    expect(effectOf('DO 1;'.repeat(1_001), undefined)).toEqual({ kind: 'schema' });
    expect(effectOf(`${'DO 1;'.repeat(1_000)};;; -- the end`, undefined)).toEqual({ kind: 'none' });
  });

  it('that inserts many rows is known from its head', () => {
    const rows = `INSERT INTO t VALUES ${"(1, 'a'),".repeat(40_000)}(1, 'b')`;
    expect(effectOf(rows, undefined)).not.toHaveProperty('anything');
  });
});

describe('what a text reads', () => {
  it('is unknown when it has more than 1 000 statements', () => {
    const schema = new Schema({ tables: ['t'], views: [], triggers: [], cascades: [], routines: [], epoch: 'e' });
    expect(dependenciesOf('SELECT 1;'.repeat(1_001), schema).kind).not.toBe('tables');
  });
});
