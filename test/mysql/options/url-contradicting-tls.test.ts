import { describe, expect, it } from 'vitest';
import { resolveOptions, type ResolvedOptions } from '../../../src/mysql/options/resolve.js';

function resolve(parameters: string): ResolvedOptions {
  return resolveOptions({ target: `mysql://app@db.example.com/shop?${parameters}` }, 'own', {});
}

/** What `read` finds in the options, or the code of the refusal. */
function outcomeOf(parameters: string, read: (options: ResolvedOptions) => string): string {
  try {
    return read(resolve(parameters));
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('parameters of an URL that ask for verified and for unverified TLS', () => {
  it.each([
    'sslaccept=strict&ssl={"rejectUnauthorized":false}',
    'ssl=true&sslaccept=accept_invalid_certs',
    'ssl-mode=VERIFY_IDENTITY&sslaccept=accept_invalid_certs',
    'ssl-mode=VERIFY_IDENTITY&sslmode=REQUIRED',
    'ssl-mode=VERIFY_CA&ssl-mode=REQUIRED',
    'sslaccept=strict&sslmode=verify-ca',
  ])('are refused, or verified: never silently weaker than the stricter of the two: %s', (parameters) => {
    expect(['POOL_OPTION_INVALID', 'verified']).toContain(outcomeOf(parameters, ({ tls }) => tls.mode));
  });

  it.each(['ssl=Amazon%20RDS&ssl-mode=REQUIRED', 'ssl=Amazon%20RDS&ssl-mode=VERIFY_CA'])('do not lose a profile: %s', (parameters) => {
    expect(['POOL_OPTION_INVALID', 'its authorities']).toContain(
      outcomeOf(parameters, ({ tls }) => (tls.ssl?.ca === undefined ? 'nothing' : 'its authorities')),
    );
  });
});
