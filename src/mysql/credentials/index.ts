/** Where the credentials of logins come from: a function of the application's, its answers kept for as long as they hold, and what follows a refused login. */

export { CredentialSource, type KnownCredentials, sourceOf } from './credential-source.js';
export { Logins } from './logins.js';
export { PoolCredentials } from './pool-credentials.js';
