/** The source of credentials of one pool: held while the pool lives, and shown in its health when it fails. */

import { messageOf } from '../../engine/index.js';
import type { HealthCheck } from '../observation/index.js';
import type { CredentialsFunction } from '../options/index.js';
import { type CredentialSource, sourceOf } from './credential-source.js';

/** Has a pool's credentials refreshed ahead of their expiry. Does nothing for a pool with a password of its own. */
export class PoolCredentials {
  #ask: CredentialsFunction | undefined = undefined;
  #source: CredentialSource | undefined = undefined;
  #letGo: (() => void) | undefined = undefined;

  constructor(ask: CredentialsFunction | undefined) {
    this.moveTo(ask);
  }

  /** New connections log in with what this function gives. */
  moveTo(ask: CredentialsFunction | undefined): void {
    if (ask === this.#ask && this.#letGo !== undefined) return;
    this.leave();
    this.#ask = ask;
    this.#source = ask === undefined ? undefined : sourceOf(ask);
    this.#letGo = this.#source?.hold();
  }

  /** The next connection asks for new ones. */
  renew(): void {
    this.#source?.renew();
  }

  /** Nothing is refreshed any more. */
  leave(): void {
    this.#letGo?.();
    this.#letGo = undefined;
  }

  /** For the pool's health: a source that fails is a warning ahead of its consequence. */
  checks(): readonly HealthCheck[] {
    const { failure, validMs = 0 } = this.#source ?? {};
    if (this.#source === undefined) return [];
    if (failure === undefined) return [{ name: 'credentials', status: 'pass', message: 'the source has answered' }];
    const left = validMs > 0 ? `those in use hold for ${Math.round(validMs / 1000)} s more` : 'no connection can be opened with them';
    return [{ name: 'credentials', status: 'warn', message: `${messageOf(failure)} ${left}` }];
  }
}
