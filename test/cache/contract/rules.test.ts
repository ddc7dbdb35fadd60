import { describe, expect, it } from 'vitest';
import { resolveDefaults } from '../../../src/cache/contract/policy.js';
import { type CacheRule, resolveRules } from '../../../src/cache/contract/rules.js';

const defaults = resolveDefaults({ tags: ['all'] });

describe('the rule of a statement', () => {
  const rules = resolveRules(
    [
      { statement: 'SELECT * FROM users WHERE id = ?', ttl: 1 },
      { statement: 'SELECT * FROM users WHERE id IN (?)', ttl: 2 },
    ],
    defaults,
  );

  it('is found with any literals, spaces, comments and lengths of lists in its text', () => {
    for (const sql of [
      'SELECT * FROM users WHERE id = ?',
      'select *  from users /* by id */ where id=7',
      "SELECT * FROM users WHERE id = 'x'",
    ]) {
      expect(rules?.policyOf(sql)).toEqual({ ...defaults, ttl: 1, negativeTtl: 1 });
    }
    for (const list of ['?', '1, 2, 3', "'a', 'b'"]) expect(rules?.policyOf(`SELECT * FROM users WHERE id IN (${list})`)?.ttl).toBe(2);
  });

  it('is none for another statement, asked once or again', () => {
    for (const _ of [1, 2]) {
      expect(rules?.policyOf('SELECT * FROM orders WHERE id = ?')).toBeUndefined();
      expect(rules?.policyOf('SELECT id FROM users WHERE id = ?')).toBeUndefined();
      expect(rules?.policyOf('')).toBeUndefined();
    }
  });

  it('is found among more texts than are remembered, and in one too long to be', () => {
    for (let id = 0; id < 2_500; id += 1) expect(rules?.policyOf(`SELECT * FROM users WHERE id = ${id}`)?.ttl).toBe(1);
    expect(rules?.policyOf(`SELECT * FROM users WHERE id = '${'x'.repeat(5_000)}'`)?.ttl).toBe(1);
  });
});

describe('rules', () => {
  it('are undefined when none are given', () => {
    expect(resolveRules(undefined, defaults)).toBeUndefined();
  });

  it.each<[string, unknown, RegExp]>([
    ['no list', { statement: 'SELECT 1' }, /a list of rules/],
    ['a rule without a statement', [{ ttl: 1 }], /the text of a statement/],
    ['a text without a word', [{ statement: '  ' }], /the text of a statement/],
    ['two for the same statement', [{ statement: 'SELECT 1' }, { statement: 'select  2' }], /Two rules are for the same statement/],
    ['an option that is unknown', [{ statement: 'SELECT 1', tll: 1 }], /tll/],
    ['a policy that is invalid', [{ statement: 'SELECT 1', ttl: -1 }], /ttl/],
  ])('are refused: %s', (_, given, message) => {
    expect(() => resolveRules(given as CacheRule[], defaults)).toThrow(
      expect.objectContaining({ code: 'POOL_OPTION_INVALID', message: expect.stringMatching(message) as string }) as Error,
    );
  });
});
