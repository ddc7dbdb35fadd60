// The same option at the two doors: Poolwright's own mean the same to `createPool` and to the mirrors of mysql2.

import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { environmentName } from '../../../src/mysql/options/environment.js';
import { resolveOptions } from '../../../src/mysql/options/resolve.js';
import { type Dialect, isOwn, isPlainRow, knownOptionNames, optionRows } from '../../../src/mysql/options/table.js';

type Options = Record<string, unknown>;

/** The refusal's text, or nothing. */
function refusalIn(dialect: Dialect, options: Options, environment: Record<string, string> = {}): string | undefined {
  try {
    resolveOptions({ target: { host: 'localhost', ...options } }, dialect, environment);
    return undefined;
  } catch (error) {
    if (!PoolError.is(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const ownNames = knownOptionNames.filter(isOwn);

const values: readonly unknown[] = [
  null,
  5,
  -1,
  0,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  10n,
  'text',
  '',
  '7',
  'true',
  true,
  false,
  [],
  ['text'],
  {},
  { nonsense: 1 },
  new Map(),
  Symbol('text'),
  (): void => undefined,
];

describe('an option that mysql2 does not have', () => {
  it('is every one but those of mysql2, which are read as mysql2 reads them', () => {
    expect(ownNames).toEqual(
      expect.arrayContaining(['name', 'minIdle', 'acquireTimeout', 'validateAfterIdle', 'hygiene', 'credentials', 'health', 'retries']),
    );
    expect(ownNames).not.toContain('connectionLimit');
    expect(ownNames).not.toContain('host');
  });

  it.each(ownNames)('is refused in the same words at both doors, or taken at both: %s', (name) => {
    const outcomes = values.map((value) => [value, refusalIn('own', { [name]: value })] as const);
    expect(values.map((value) => [value, refusalIn('mysql2', { [name]: value })])).toEqual(outcomes);
    const refused = outcomes.filter(([, refusal]) => refusal !== undefined);
    expect(refused.length).toBeGreaterThan(5);
    expect(refusalIn('own', { [name]: null })).toMatch(new RegExp(`^POOL_OPTION_INVALID: ${name} must be .*; given: null\\.$`));
    // An option that is given as undefined counts as not given.
    expect([refusalIn('own', { [name]: undefined }), refusalIn('mysql2', { [name]: undefined })]).toEqual([undefined, undefined]);
  });

  it.each([
    { health: { utilization: 101 } },
    { health: { utilisation: 50 } },
    { health: { waiting: null } },
    { breakers: { conect: {} } },
    { breakers: { connect: null } },
    { breakers: { connect: [] } },
    { breakers: { statement: { consecutiveFailures: -1 } } },
    { retries: { attempts: 'many' } },
    { retries: { atempts: 2 } },
    { logger: { info: (): void => undefined } },
    { fairnessLimit: 3 },
    { minIdle: 6, connectionLimit: 5 },
    { credentials: (): object => ({}), password: 'secret' },
    { hygiene: 'auto', resetOnRelease: true },
  ])('is refused in the same words at both doors: %o', (options) => {
    const refusal = refusalIn('own', options);
    expect(refusal).toMatch(/^POOL_OPTION_INVALID: /);
    expect(refusalIn('mysql2', options)).toBe(refusal);
  });
});

describe('a URL', () => {
  const resolve = (dialect: Dialect, parameters: string, options: Options = {}): ReturnType<typeof resolveOptions> =>
    resolveOptions({ target: { uri: `mysql://app@localhost/shop?${parameters}`, ...options } }, dialect, {});
  const dialects: readonly Dialect[] = ['own', 'mysql2'];

  it('gives way to the options beside it, even where these say 0 or false', () => {
    for (const dialect of dialects) {
      expect(resolve(dialect, 'acquireTimeout=500', { acquireTimeout: 0 }).atStart.acquireTimeout).toBe(0);
      expect(resolve(dialect, 'minIdle=3', { minIdle: 0 }).atStart.minIdle).toBe(0);
      expect(resolve(dialect, 'acquireTimeout=500', { acquireTimeout: undefined }).atStart.acquireTimeout).toBe(500);
    }
  });

  it('holds text where text is asked for, even when it reads as a number', () => {
    for (const dialect of dialects)
      expect(resolve(dialect, 'name=05&hygiene=never')).toMatchObject({ atStart: { name: '05' }, hygiene: 'never' });
    for (const dialect of dialects) expect(resolve(dialect, 'name=5').atStart.name).toBe('5');
  });
});

describe('a variable of the environment', () => {
  const names = [...optionRows].filter(([, row]) => isPlainRow(row) && row.kind !== 'function').map(([name]) => name);

  it.each(names)('is read the same at both doors: %s', (name) => {
    for (const value of ['0', '1', '7', '-1', '1.5', 'many', 'true', 'no', 'Infinity', 'fair', 'always', ' ', 'null']) {
      const environment = { [environmentName(name)]: value };
      // In mysql2 a maxIdle above the limit has no effect.
      if (name === 'maxIdle' && value === 'Infinity') continue;
      // In mysql2 these mean no limit.
      if (name === 'connectionLimit' && (value === '0' || value === 'Infinity')) continue;
      // The two limits differ, and the refusal of a larger minIdle names them.
      const options = name === 'minIdle' ? { connectionLimit: 20 } : {};
      expect([name, value, refusalIn('mysql2', options, environment)]).toEqual([name, value, refusalIn('own', options, environment)]);
    }
  });

  it('gives way to what the code says, by either of its two names', () => {
    for (const dialect of ['own', 'mysql2'] as const) {
      const hygiene = (options: Options, environment: Record<string, string>): string =>
        resolveOptions({ target: { host: 'localhost', ...options } }, dialect, environment).hygiene;
      expect(hygiene({ resetOnRelease: true }, { POOLWRIGHT_HYGIENE: 'auto' })).toBe('always');
      expect(hygiene({ hygiene: 'never' }, { POOLWRIGHT_RESET_ON_RELEASE: 'true' })).toBe('never');
      expect(hygiene({ resetOnRelease: false }, { POOLWRIGHT_HYGIENE: 'never' })).toBe('never');
      expect(hygiene({ resetOnRelease: false }, { POOLWRIGHT_RESET_ON_RELEASE: 'true', POOLWRIGHT_HYGIENE: 'never' })).toBe('never');
      expect(hygiene({}, { POOLWRIGHT_RESET_ON_RELEASE: 'true' })).toBe('always');
      expect(() => hygiene({}, { POOLWRIGHT_RESET_ON_RELEASE: 'true', POOLWRIGHT_HYGIENE: 'auto' })).toThrow(/contradict each other/);
    }
  });
});
