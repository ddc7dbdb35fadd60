import { describe, expect, it } from 'vitest';
import { addressOf, resolveTarget } from '../../src/probes/pgbouncer-target.js';
import { verdictOf } from '../../src/probes/pgbouncer-verdict.js';

const DEFAULTS = { host: '127.0.0.1', port: 6432, user: 'pgbouncer', password: '', ssl: false, timeoutMs: 3_000 };

describe('the address of a PgBouncer', () => {
  it('is unknown without a URL and a host', () => {
    expect(resolveTarget(undefined)).toBeUndefined();
    expect(resolveTarget({})).toBeUndefined();
    expect(resolveTarget({ port: 6432, user: 'stats' })).toBeUndefined();
  });

  it.each([
    [
      'postgresql://stats:pa%40ss%3A%2F@db.example.com:6433/ignored',
      { host: 'db.example.com', port: 6433, user: 'stats', password: 'pa@ss:/' },
    ],
    ['postgres://u@h', { host: 'h', user: 'u' }],
    ['postgres://u:p@[::1]:7000/', { host: '::1', port: 7000, user: 'u', password: 'p' }],
    ['postgres://u:p@%2Fvar%2Frun%2Fpgbouncer', { host: '/var/run/pgbouncer', user: 'u', password: 'p' }],
    ['postgres:///?host=/var/run/pgbouncer', { host: '/var/run/pgbouncer' }],
    ['postgres://?application_name=x&pgbouncer=true', {}],
  ])('is read from %s', (url, expected) => {
    expect(resolveTarget(url)).toEqual({ ...DEFAULTS, ...expected });
  });

  it('is taken from the options before the URL', () => {
    const target = resolveTarget({ url: 'postgres://u:p@h:1', port: 2, user: undefined as never, password: 'q', timeout: 10 });
    expect(target).toEqual({ ...DEFAULTS, host: 'h', port: 2, user: 'u', password: 'q', timeoutMs: 10 });
  });

  it.each([
    ['disable', false],
    ['no-verify', { rejectUnauthorized: false }],
    ['require', { rejectUnauthorized: false }],
    ['verify-full', {}],
    ['verify-ca', { checkServerIdentity: expect.any(Function) as unknown }],
  ])('has the TLS of sslmode=%s', (mode, ssl) => {
    expect(resolveTarget(`postgres://h?sslmode=${mode}`)?.ssl).toEqual(ssl);
  });

  it('has verified TLS for ssl: true', () => {
    expect(resolveTarget({ host: 'h', ssl: true })?.ssl).toEqual({});
  });

  it.each([
    ['mysql://u:sesame@h', /expected postgresql:/],
    ['postgres://u:sesame@h:99999', /not valid/],
    ['postgres://u:p@s/sesame@h', /not valid/],
    ['postgres://u:p@s?sesame@h', /not valid/],
    ['postgres://u:sesame@h?sslmode=disable&sslmode=verify-full', /sslmode appears twice/],
    ['postgres://u:ses%ame@h', /percent-encoded/],
    ['postgres://u:sesame@h?sslmode=prefer', /sslmode/],
    ['postgres://u:sesame@h?sslrootcert=/no/such/file', /sslrootcert.*ENOENT/],
    [{ host: 'h', port: 0, password: 'sesame' }, /port.*1 to 65535/],
    [{ host: 'h', timeout: 1.5, password: 'sesame' }, /timeout/],
    [{ host: 'h', user: 7 as never, password: 'sesame' }, /user/],
    [{ host: 'h', pasword: 'sesame' } as never, /Unknown option pasword/],
  ])('is refused when it is wrong: %s', (given, words) => {
    const attempt = (): unknown => resolveTarget(given);
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(words);
    expect(attempt).not.toThrow(/sesame|ses%ame/);
  });

  it('is written as people write it', () => {
    expect(addressOf({ host: 'h', port: 1 })).toBe('h:1');
    expect(addressOf({ host: '::1', port: 1 })).toBe('[::1]:1');
    expect(addressOf({ host: '/run', port: 1 })).toBe('/run/.s.PGSQL.1');
  });
});

function failure(details: object, message = 'words'): Error {
  return Object.assign(new Error(message), details);
}

describe('the verdict on a failure', () => {
  const target = resolveTarget({ host: 'h', password: 'sesame' })!;
  it.each([
    ['refused', { code: 'ECONNREFUSED' }],
    ['refused', { code: 'ECONNRESET' }],
    ['refused', { code: 'EPROTO' }],
    ['refused', { severity: 'FATAL', code: '57P01' }],
    ['unreachable', { code: 'EHOSTUNREACH' }],
    ['unreachable', { code: 'ENETUNREACH' }],
    ['unreachable', { code: 'EAI_AGAIN' }],
    ['timeout', { code: 'ETIMEDOUT' }],
    ['auth', { severity: 'FATAL', code: '28P01' }],
    ['auth', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }],
    ['auth', { code: 'CERT_HAS_EXPIRED' }],
    ['auth', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }],
    ['not-pgbouncer', { severity: 'ERROR', code: '42704', routine: 'GetConfigOptionByName' }],
  ])('is %s for %o', (reason, details) => {
    const verdict = verdictOf(failure(details), 'logging in', target);
    expect(verdict.reason).toBe(reason);
    expect(verdict.message).toContain('h:6432');
  });

  it('quotes a server in short, on one line, without the password', () => {
    const { message } = verdictOf(failure({ severity: 'FATAL' }, `no:\nsesame ${'x'.repeat(1_000)}`), 'logging in', target);
    expect(message).toContain('no: ***');
    expect(message).not.toMatch(/sesame|\n/);
    expect(message.length).toBeLessThan(300);
  });
});
