import { describe, expect, it } from 'vitest';
import { classOfErrno, classOfServerError, isPermanentConnectError, labelOf } from '../../../src/mysql/errors/error-classes.js';

function classify(errno: number, message: string, readOnlyAsked: boolean): string {
  return classOfServerError({ errno, message } as Parameters<typeof classOfServerError>[0], readOnlyAsked);
}

describe('the class of an error', () => {
  it.each([
    ['connection-fatal', [1047, 1077, 1079, 1080, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 3032, 3168, 3169, 4031]],
    ['endpoint-poisoned', [1053, 1290, 1792, 1836]],
    ['connect-transient', [1040, 1043, 1129, 1203, 1226]],
    ['connect-permanent', [1044, 1045, 1049, 1130, 1251, 1524, 1698]],
    ['statement-cache-invalid', [1243, 1461, 1615]],
    ['work-failed', [1062, 1146, 1205, 1213, 1317, 3024, 8002, 8022, 8028, 9007, 8252, 1105, 0, 99_999]],
  ])('%s', (name, numbers) => {
    expect(numbers.map((errno) => [errno, classOfErrno(errno)])).toEqual(numbers.map((errno) => [errno, name]));
  });

  it('of 1290 and 1792 depends on what was meant', () => {
    const readOnly = 'The MariaDB server is running with the --read-only option so it cannot execute this statement';
    expect(classify(1290, readOnly, false)).toBe('endpoint-poisoned');
    expect(classify(1290, readOnly.replace('read-only', 'super-read-only'), false)).toBe('endpoint-poisoned');
    expect(classify(1290, 'running with the --secure-file-priv option', false)).toBe('work-failed');
    expect(classify(1792, 'Cannot execute statement in a READ ONLY transaction', false)).toBe('endpoint-poisoned');
    expect(classify(1792, 'Cannot execute statement in a READ ONLY transaction', true)).toBe('work-failed');
  });
});

describe('a failure to connect', () => {
  it('is permanent when trying again is of no use', () => {
    for (const errno of [1044, 1045, 1049, 1130, 1698]) expect(isPermanentConnectError({ errno, code: 'ER_X' })).toBe(true);
    for (const errno of [1040, 1129, 1203, 1226]) expect(isPermanentConnectError({ errno, code: 'ER_X' })).toBe(false);
    expect(isPermanentConnectError({ code: 'POOL_TLS_REQUIRED' })).toBe(true);
    expect(isPermanentConnectError({ code: 'HANDSHAKE_SSL_ERROR', library: 'SSL routines', reason: 'tlsv1 alert' })).toBe(true);
    expect(isPermanentConnectError({ code: 'HANDSHAKE_SSL_ERROR', syscall: 'read', errno: -104 })).toBe(false);
    for (const code of ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'PROTOCOL_CONNECTION_LOST']) {
      expect(isPermanentConnectError({ code, errno: -1, syscall: 'connect' })).toBe(false);
    }
    for (const odd of [undefined, null, 'text', 5, {}]) expect(isPermanentConnectError(odd)).toBe(false);
  });

  it('has a short label: the server’s number, else the code', () => {
    expect(labelOf({ errno: 1045, code: 'ER_ACCESS_DENIED_ERROR' })).toBe('1045');
    expect(labelOf({ errno: -111, code: 'ECONNREFUSED' })).toBe('ECONNREFUSED');
    expect(labelOf(new Error('x'))).toBe('unknown');
    expect(labelOf(undefined)).toBe('unknown');
  });
});
