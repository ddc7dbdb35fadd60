import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { nearestName } from '../../../src/engine/contract/nearest-name.js';
import { resolveFromTable } from '../../../src/engine/contract/option-table.js';
import { refuseUnknownOptions } from '../../../src/engine/contract/refusals.js';
import { type PoolOptions, poolOptionTable, resizedOptions, resolvePoolOptions } from '../../../src/engine/contract/options.js';

/** What a caller without types may pass. */
function resolve(options: Record<string, unknown>): ReturnType<typeof resolvePoolOptions> {
  return resolvePoolOptions(options);
}

function refusalOf(work: () => unknown): string {
  let accepted: unknown;
  try {
    accepted = work();
  } catch (error) {
    if (PoolError.is(error) && error.code === 'POOL_OPTION_INVALID') return error.message;
    throw error;
  }
  throw new Error(`It was accepted: ${String(accepted)}.`);
}

describe('resolvePoolOptions', () => {
  it('fills in the defaults of the design, and freezes them', () => {
    const options = resolvePoolOptions({});
    expect(options).toEqual({
      name: 'pool',
      connectionLimit: 20,
      minIdle: 1,
      maxIdle: 20,
      waitForConnections: true,
      queueLimit: 0,
      scheduling: 'fifo',
      fairnessLimit: 0,
      waitTarget: 0,
      waitInterval: 100,
      acquireTimeout: 30_000,
      connectTimeout: 10_000,
      connectPatience: 0,
      idleTimeout: 600_000,
      maxLifetime: 1_800_000,
      keepaliveInterval: 120_000,
      validateAfterIdle: 500,
      validationTimeout: 5_000,
      leakDetectionThreshold: 0,
      leakAction: 'report',
      maxUses: 0,
      hookTimeout: 5_000,
    });
    expect(Object.isFrozen(options)).toBe(true);
  });

  it('takes zero for a value, not for "unset"', () => {
    const zero = { minIdle: 0, queueLimit: 0, acquireTimeout: 0, connectTimeout: 0, idleTimeout: 0, maxLifetime: 0, keepaliveInterval: 0 };
    expect(resolvePoolOptions({ ...zero, validateAfterIdle: 0, maxIdle: 0 })).toMatchObject({ ...zero, validateAfterIdle: 0, maxIdle: 0 });
  });

  it('takes an option given as undefined for one that is not given', () => {
    expect(resolve({ connectionLimit: undefined, name: undefined, maxIdle: undefined, minIdle: undefined })).toEqual(
      resolvePoolOptions({}),
    );
  });

  it('reads numbers and booleans that are written as text, as environment variables are', () => {
    expect(
      resolve({ connectionLimit: '5', minIdle: ' 2 ', waitForConnections: 'false', acquireTimeout: '0', validateAfterIdle: 'Infinity' }),
    ).toMatchObject({
      connectionLimit: 5,
      minIdle: 2,
      maxIdle: 5,
      waitForConnections: false,
      acquireTimeout: 0,
      validateAfterIdle: Number.POSITIVE_INFINITY,
    });
    expect(resolve({ waitForConnections: '1' }).waitForConnections).toBe(true);
    expect(resolve({ waitForConnections: 'true' }).waitForConnections).toBe(true);
    expect(resolve({ waitForConnections: '0' }).waitForConnections).toBe(false);
  });

  const limits = 'a whole number from 1 to 100000';
  const milliseconds = 'a whole number from 0 to 31536000000';
  it.each([
    ['connectionLimit', 0, `connectionLimit must be ${limits}; given: 0.`],
    ['connectionLimit', -1, `connectionLimit must be ${limits}; given: -1.`],
    ['connectionLimit', 1.5, `connectionLimit must be ${limits}; given: 1.5.`],
    ['connectionLimit', 'ten', `connectionLimit must be ${limits}; given: 'ten'.`],
    ['connectionLimit', '-1', `connectionLimit must be ${limits}; given: '-1'.`],
    ['connectionLimit', '1e3', `connectionLimit must be ${limits}; given: '1e3'.`],
    ['connectionLimit', '', `connectionLimit must be ${limits}; given: ''.`],
    ['connectionLimit', 100_001, `connectionLimit must be ${limits}; given: 100001.`],
    ['connectionLimit', Number.NaN, `connectionLimit must be ${limits}; given: NaN.`],
    ['connectionLimit', Number.POSITIVE_INFINITY, `connectionLimit must be ${limits}; given: Infinity.`],
    ['connectionLimit', null, `connectionLimit must be ${limits}; given: null.`],
    ['connectionLimit', { secret: 'x' }, `connectionLimit must be ${limits}, or { min, max }; given: an object.`],
    ['connectionLimit', [5], `connectionLimit must be ${limits}; given: an array.`],
    ['connectionLimit', () => 5, `connectionLimit must be ${limits}; given: a function.`],
    ['queueLimit', -1, 'queueLimit must be a whole number, at least 0; given: -1.'],
    ['queueLimit', Number.POSITIVE_INFINITY, 'queueLimit must be a whole number, at least 0; given: Infinity.'],
    ['acquireTimeout', 31_536_000_001, `acquireTimeout must be ${milliseconds}; given: 31536000001.`],
    ['idleTimeout', Number.POSITIVE_INFINITY, `idleTimeout must be ${milliseconds}; given: Infinity.`],
    ['idleTimeout', 'Infinity', `idleTimeout must be ${milliseconds}; given: 'Infinity'.`],
    ['validationTimeout', 0, 'validationTimeout must be a whole number from 1 to 31536000000; given: 0.'],
    ['validateAfterIdle', -1, 'validateAfterIdle must be a whole number, at least 0; given: -1.'],
    ['waitForConnections', 'yes', "waitForConnections must be true or false; given: 'yes'."],
    ['waitForConnections', 1, 'waitForConnections must be true or false; given: 1.'],
    ['name', '', "name must be a string that is not empty; given: ''."],
    ['name', 7, 'name must be a string that is not empty; given: 7.'],
  ])('refuses %s = %o with what is allowed and what was given', (name, value, message) => {
    expect(refusalOf(() => resolve({ [name]: value }))).toBe(message);
  });

  it('does not repeat a long text in its refusal', () => {
    const message = refusalOf(() => resolve({ connectionLimit: `secret-${'x'.repeat(100)}` }));
    expect(message).toContain(`'secret-${'x'.repeat(33)}…'`);
  });

  it('refuses what contradicts, naming both options', () => {
    expect(refusalOf(() => resolve({ connectionLimit: 5, minIdle: 6 }))).toBe('minIdle (6) must not be above connectionLimit (5).');
    expect(refusalOf(() => resolve({ connectionLimit: 5, maxIdle: 6 }))).toBe('maxIdle (6) must not be above connectionLimit (5).');
    expect(refusalOf(() => resolve({ minIdle: 3, maxIdle: 2 }))).toBe('minIdle (3) must not be above maxIdle (2).');
  });

  it('a default never contradicts: it gives way', () => {
    expect(resolvePoolOptions({ maxIdle: 0 })).toMatchObject({ minIdle: 0, maxIdle: 0, connectionLimit: 20 });
    expect(resolvePoolOptions({ connectionLimit: 1 })).toMatchObject({ minIdle: 1, maxIdle: 1 });
  });

  it.each([
    ['conectionLimit', 'Unknown option conectionLimit. Did you mean connectionLimit?'],
    ['ConnectionLimit', 'Unknown option ConnectionLimit. Did you mean connectionLimit?'],
    ['idleTimeOut', 'Unknown option idleTimeOut. Did you mean idleTimeout?'],
    ['aquireTimeout', 'Unknown option aquireTimeout. Did you mean acquireTimeout?'],
    ['max', 'Unknown option max. Did you mean connectionLimit?'],
    ['maximumPoolSize', 'Unknown option maximumPoolSize. Did you mean connectionLimit?'],
    ['acquireTimeoutMillis', 'Unknown option acquireTimeoutMillis. Did you mean acquireTimeout?'],
    ['favouriteColour', 'Unknown option favouriteColour.'],
    ['constructor', 'Unknown option constructor.'],
  ])('refuses the unknown option %s with the nearest known name', (name, message) => {
    expect(refusalOf(() => resolve({ [name]: 5 }))).toBe(message);
  });
});

describe('resizedOptions', () => {
  const current = resolvePoolOptions({ connectionLimit: 10, minIdle: 4 });

  it('keeps maxIdle at the limit, and minIdle below it, unless they are given', () => {
    expect(resizedOptions(current, { connectionLimit: 3 })).toMatchObject({ connectionLimit: 3, maxIdle: 3, minIdle: 3 });
    expect(resizedOptions(current, { connectionLimit: 30 })).toMatchObject({ connectionLimit: 30, maxIdle: 30, minIdle: 4 });
    expect(resizedOptions(current, { maxIdle: 2 })).toMatchObject({ connectionLimit: 10, maxIdle: 2, minIdle: 2 });
    expect(resizedOptions(current, { minIdle: 0 })).toMatchObject({ connectionLimit: 10, maxIdle: 10, minIdle: 0 });
    expect(
      resizedOptions({ ...current, queueLimit: 7 }, { idleTimeout: 9, waitForConnections: false, queueLimit: undefined } as never),
    ).toMatchObject({ connectionLimit: 10, idleTimeout: 9, waitForConnections: false, queueLimit: 7 });
  });

  it('keeps a maxIdle that was set apart from the limit', () => {
    const apart = resolvePoolOptions({ connectionLimit: 10, maxIdle: 5 });
    expect(resizedOptions(apart, { connectionLimit: 20 })).toMatchObject({ connectionLimit: 20, maxIdle: 5 });
    expect(resizedOptions(apart, { connectionLimit: 2 })).toMatchObject({ connectionLimit: 2, maxIdle: 2, minIdle: 1 });
  });

  it('refuses what it would refuse at the start, and options that cannot change', () => {
    expect(refusalOf(() => resizedOptions(current, { connectionLimit: 0 }))).toContain('connectionLimit must be');
    expect(refusalOf(() => resizedOptions(current, { connectionLimit: 'ten' } as unknown as PoolOptions))).toContain("given: 'ten'");
    expect(refusalOf(() => resizedOptions(current, { minIdle: 11 }))).toBe('minIdle (11) must not be above connectionLimit (10).');
    expect(refusalOf(() => resizedOptions(current, { maxIdle: 11 }))).toBe('maxIdle (11) must not be above connectionLimit (10).');
    expect(refusalOf(() => resizedOptions(current, { acquireTimeout: 5 } as PoolOptions))).toBe('Unknown option acquireTimeout.');
  });

  it('keeps every other option', () => {
    const named = resolvePoolOptions({ name: 'orders', acquireTimeout: 7, validateAfterIdle: Number.POSITIVE_INFINITY });
    expect(resizedOptions(named, { connectionLimit: 3 })).toMatchObject({
      name: 'orders',
      acquireTimeout: 7,
      validateAfterIdle: Number.POSITIVE_INFINITY,
    });
  });
});

describe('resolveFromTable', () => {
  const table = {
    mode: { kind: 'choice', choices: ['fast', 'safe'], default: 'safe', about: 'How.' },
    hook: { kind: 'function', default: undefined, about: 'What.' },
  } as const;

  it('takes one of a choice, and functions', () => {
    expect(resolveFromTable(table, { mode: 'fast', hook: refusalOf })).toEqual({ mode: 'fast', hook: refusalOf });
    expect(resolveFromTable(table, {})).toEqual({ mode: 'safe', hook: undefined });
  });

  it('refuses anything else, saying what there is to choose', () => {
    expect(refusalOf(() => resolveFromTable(table, { mode: 'slow' }))).toBe("mode must be one of 'fast', 'safe'; given: 'slow'.");
    // What is given where a function belongs may be a password: it is not repeated.
    expect(refusalOf(() => resolveFromTable(table, { hook: 'secret' }))).toBe('hook must be a function; given: a value of type string.');
    expect(refusalOf(() => resolveFromTable(table, { hook: ['secret'] }))).toBe('hook must be a function; given: an array.');
    expect(refusalOf(() => resolveFromTable(table, { hook: null }))).toBe('hook must be a function; given: null.');
  });
});

describe('names of options', () => {
  it('the nearest name is the closest one within reach', () => {
    expect(nearestName('maxIdl', Object.keys(poolOptionTable))).toBe('maxIdle');
    expect(nearestName('minIdl', Object.keys(poolOptionTable))).toBe('minIdle');
    expect(nearestName('zzzzzz', Object.keys(poolOptionTable))).toBeUndefined();
    expect(nearestName('maxIdl', ['maxIdle'], 0)).toBeUndefined();
  });

  it("another pool's name is a hint only where its meaning is known", () => {
    expect(nearestName('poolSize', ['connectionLimit'])).toBe('connectionLimit');
    expect(nearestName('poolSize', ['colour'])).toBeUndefined();
  });

  it('known names are not refused', () => {
    expect(() => refuseUnknownOptions({ name: 1 }, ['name'])).not.toThrow();
  });

  it('every option of the table says what it is about', () => {
    const silent = Object.entries(poolOptionTable).filter(([, { about }]) => !/^[A-Z].*\.$/u.test(about));
    expect(silent).toEqual([]);
  });
});

describe('connectionLimit as a range', () => {
  it('is two bounds, or text of two numbers, which the options in force say apart', () => {
    for (const connectionLimit of [{ min: 5, max: 50 }, '5-50', ' 5-50 '] as never[]) {
      expect(resolvePoolOptions({ connectionLimit })).toMatchObject({
        connectionLimit: 50,
        sizeRange: { min: 5, max: 50 },
        maxIdle: 50,
        minIdle: 1,
      });
    }
    expect(resolvePoolOptions({ connectionLimit: 9 })).toMatchObject({ connectionLimit: 9, sizeRange: undefined });
    expect(resolvePoolOptions({ connectionLimit: { min: 3, max: 3 } })).toMatchObject({ connectionLimit: 3 });
  });

  it('may have a minIdle above its beginning, which is kept as far as the size allows, and none above its end', () => {
    expect(resolvePoolOptions({ connectionLimit: { min: 2, max: 10 }, minIdle: 8 })).toMatchObject({ minIdle: 8 });
    const refusal = refusalOf(() => resolvePoolOptions({ connectionLimit: { min: 2, max: 10 }, minIdle: 11 }));
    expect(refusal).toBe('minIdle (11) must not be above connectionLimit (10).');
  });

  it.each([
    [{ min: 7, max: 6 }, 'connectionLimit.min must be at most connectionLimit.max (6); given: 7.'],
    ['7-6', 'connectionLimit.min must be at most connectionLimit.max (6); given: 7.'],
    [{ min: 0, max: 6 }, 'connectionLimit.min must be a whole number from 1 to 100000; given: 0.'],
    [{ min: 1.5, max: 6 }, 'connectionLimit.min must be a whole number from 1 to 100000; given: 1.5.'],
    [{ min: 1 }, 'connectionLimit.max must be a whole number from 1 to 100000; given: undefined.'],
    [{ min: 1, max: 100_001 }, 'connectionLimit.max must be a whole number from 1 to 100000; given: 100001.'],
    [{ min: '1', max: 6 }, "connectionLimit.min must be a whole number from 1 to 100000; given: '1'."],
    [{ min: 1, max: 6, mx: 7 }, 'Unknown option connectionLimit.mx. Did you mean max?'],
    [{}, 'connectionLimit must be a whole number from 1 to 100000, or { min, max }; given: an object.'],
    ['5-', "connectionLimit must be a whole number from 1 to 100000, or a range such as 5-50; given: '5-'."],
    ['5:50', "connectionLimit must be a whole number from 1 to 100000, or a range such as 5-50; given: '5:50'."],
    [[5, 50], 'connectionLimit must be a whole number from 1 to 100000, or a range such as 5-50; given: an array.'],
  ])('%o is refused', (connectionLimit, refusal) => {
    expect(refusalOf(() => resolvePoolOptions({ connectionLimit: connectionLimit as never }))).toBe(refusal);
  });
});
