import { describe, expect, it } from 'vitest';
import { codeOf, messageOf, POOL_ERROR_CODES, PoolError } from '../../../src/engine/contract/errors.js';

describe('PoolError', () => {
  it('is an Error with a code, and without what was not given', () => {
    const error = new PoolError('POOL_CLOSED', 'Pool is closed.');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'PoolError', code: 'POOL_CLOSED', message: 'Pool is closed.' });
    expect(Object.keys(error)).toEqual(['code']);
    expect('cause' in error).toBe(false);
    expect(String(error)).toBe('PoolError: Pool is closed.');
  });

  it('carries the cause and the reason', () => {
    const cause = new Error('refused');
    const error = new PoolError('POOL_ACQUIRE_TIMEOUT', 'Late.', { cause, reason: 'unreachable' });
    expect(error.cause).toBe(cause);
    expect(error.reason).toBe('unreachable');
  });

  it('is recognised across copies of the package, and nothing else is', () => {
    const copy = Object.assign(new Error('from another copy'), { [Symbol.for('poolwright.PoolError')]: true });
    expect(PoolError.is(new PoolError('POOL_CLOSED', 'x'))).toBe(true);
    expect(PoolError.is(copy)).toBe(true);
    for (const other of [new Error('x'), undefined, null, 'POOL_CLOSED', 5]) expect(PoolError.is(other)).toBe(false);
  });

  it('has codes that all begin alike and are unique', () => {
    expect(new Set(POOL_ERROR_CODES).size).toBe(POOL_ERROR_CODES.length);
    for (const code of POOL_ERROR_CODES) expect(code).toMatch(/^POOL_[A-Z_]+$/u);
  });
});

describe('messageOf and codeOf', () => {
  it('describe any thrown value in one line', () => {
    expect(messageOf(new Error('refused'))).toBe('refused');
    expect(messageOf('plain')).toBe('plain');
    expect(messageOf(undefined)).toBe('undefined');
    expect(codeOf(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
    expect(codeOf(new TypeError('x'))).toBe('TypeError');
    expect(codeOf(Object.assign(new Error('x'), { code: 1045 }))).toBe('Error');
    expect(codeOf({ name: 5 })).toBe('unknown');
    expect(codeOf('plain')).toBe('unknown');
    expect(codeOf(null)).toBe('unknown');
  });

  it('an error without a message, such as a refused connection to two addresses, is described by its code', () => {
    expect(messageOf(Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
  });
});
