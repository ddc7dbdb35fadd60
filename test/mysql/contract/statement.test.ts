import { describe, expect, it } from 'vitest';
import { type Statement, statementOf } from '../../../src/mysql/contract/statement.js';
import { withDeadline } from '../../../src/resilience/deadline/deadline.js';
import { refusalOf } from '../support/refusals.js';

function read(given: unknown, values?: unknown, method: 'query' | 'execute' = 'query'): Statement {
  return statementOf(method, given, values as never, undefined);
}

describe('a statement', () => {
  it('is given to mysql2 as a text when there is nothing else to say', () => {
    const { signal } = new AbortController();
    for (const given of [
      'SELECT 1',
      { sql: 'SELECT 1' },
      { sql: 'SELECT 1', values: [1], timeout: 5, signal, cache: true, idempotent: true },
    ])
      expect(read(given).forDriver).toBe('SELECT 1');
  });

  it('is given to mysql2 with mysql2’s options, and without Poolwright’s', () => {
    const given = Object.freeze({
      sql: 'SELECT 1',
      rowsAsArray: true,
      timeout: 5,
      priority: 'low',
      fairnessKey: 'a',
      fallback: () => [[], []],
    });
    const { forDriver, limits, wishes } = read(given);
    expect(forDriver).toEqual({ sql: 'SELECT 1', rowsAsArray: true });
    expect(limits?.timeout).toBe(5);
    expect(wishes).toMatchObject({ place: { priority: 'low', fairnessKey: 'a' }, idempotent: false, fallback: given.fallback });
  });

  it('has the values that mysql2 would take: of query the argument goes first, of execute the option', () => {
    const given = { sql: 'SELECT ?', values: [1] };
    expect([read(given).values, read(given, [2]).values, read('SELECT ?', [2]).values]).toEqual([[1], [2], [2]]);
    expect([read(given, [2], 'execute').values, read({ ...given, values: undefined }, [2], 'execute').values]).toEqual([[1], [2]]);
  });

  it('that is not a statement is refused with what was given, and what is allowed', () => {
    expect(refusalOf(() => read(undefined))).toBe('The statement must be a string, or an object whose sql is a string; given: undefined.');
    expect(refusalOf(() => read({ sql: 5 }))).toBe("The statement's sql must be a string; given: 5.");
  });

  it('has no limits unless its caller or the work around has', async () => {
    expect([read('SELECT 1').limits, read({ sql: 'SELECT 1', timeout: 0 }).limits]).toEqual([undefined, undefined]);
    await withDeadline(60_000, (deadline) => {
      const { limits } = statementOf('query', 'SELECT 1', undefined, deadline);
      expect(limits).toMatchObject({ timeout: 0, remainingMs: Number.POSITIVE_INFINITY });
      expect(limits?.dueInMs).toBeGreaterThan(50_000);
    });
  });

  it('has a timeout that runs from its beginning, which is once', async () => {
    const { limits } = read({ sql: 'SELECT 1', timeout: 10_000 });
    expect(limits?.remainingMs).toBe(10_000);
    limits?.begin();
    await new Promise((resolve) => setTimeout(resolve, 5));
    limits?.begin();
    expect(limits?.remainingMs).toBeLessThan(10_000);
  });

  it('is loaded for a cache without the limits and the fallback of one caller', () => {
    const { signal } = new AbortController();
    const own = read({ sql: 'SELECT 1', timeout: 5, fallback: () => [[], []], idempotent: true });
    expect(own.forLoading(signal)).toMatchObject({ limits: { timeout: 0, signal }, wishes: { fallback: undefined, idempotent: true } });
    expect(own.wishes.fallback).toBeTypeOf('function');
  });
});
