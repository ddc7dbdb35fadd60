/** What createPool takes: the tables, the URL, the environment, TLS, and the two dialects. */

export { type DropInOptions, type OptionsBesideMysql2, resolveDropInOptions } from './drop-in.js';
export { type Credentials, type Endpoint, type Hygiene, type PoolOptions, type ResolvedOptions, resolveOptions } from './resolve.js';
export type { ResolvedStatementRetries, StatementRetryOptions } from './retry-options.js';
export { isLoopback, plaintextRefused, type TlsMode } from './tls.js';
