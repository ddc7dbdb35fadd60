/** What a pool's options mean: one table, two dialects, and `resolveOptions`, which both doors use. */

export type { DropInOptions, OptionsBesideMysql2 } from './mysql2-dialect.js';
export { type Endpoint, endpointOf, tracedEndpoint } from './endpoint.js';
export { type ResolvedOptions, resolveOptions } from './resolve.js';
export { configOf, copyOf } from './shared-config.js';
export type { ResolvedStatementRetries, StatementRetryOptions } from './retry-options.js';
export { checkedCredentials, LOGIN_NAMES } from './credentials.js';
export {
  type Credentials,
  type CredentialsFunction,
  type Hygiene,
  knownOptionNames,
  type LoginIdentity,
  type PoolOptions,
  type ServerRole,
} from './table.js';
export { isLoopback, plaintextRefused, type TlsMode } from './tls.js';
