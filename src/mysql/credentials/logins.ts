/** The logins of one pool with credentials from a source: tried once more after a refusal that a rotation explains, and never in numbers. */

import { ignore } from '../../engine/waiting/index.js';
import type { LoginIdentity } from '../options/index.js';
import { type CredentialSource, isSame, type KnownCredentials } from './credential-source.js';

/** ER_ACCESS_DENIED_ERROR: among others, the password was changed, or the user dropped. */
const ACCESS_DENIED = 1045;

interface Refusal {
  readonly credentials: KnownCredentials;
  readonly error: unknown;
}

/** Logs in, and asks the source again when the server refuses. */
export class Logins {
  /** The server has refused the last login: one is tried at a time, so that wrong credentials do not lock the account. */
  #doubtful = false;
  /** The one that is tried now. Resolves with its refusal, if it is one. */
  #trial: Promise<Refusal | undefined> | undefined = undefined;

  /**
   * @param patienceMs how long the source may take at least
   * @param attempt logs in
   * @returns what `attempt` returned, and with which credentials
   * @throws what `attempt` throws, and as `CredentialSource.current` does
   */
  async logIn<T>(
    source: CredentialSource,
    patienceMs: number,
    attempt: (login: LoginIdentity) => Promise<T>,
  ): Promise<{ readonly made: T; readonly credentials: KnownCredentials }> {
    const credentials = await source.current(patienceMs);
    try {
      return { made: await this.#inTurn(source, credentials, attempt), credentials };
    } catch (error) {
      if (!isAccessDenied(error)) throw error;
      // A source that fails now says less than the server did.
      const others = await source.insteadOf(credentials, patienceMs).catch(ignore);
      if (others === undefined) throw error;
      return { made: await this.#inTurn(source, others, attempt), credentials: others };
    }
  }

  /** After a refusal, one by one: openings that wait behind a login with the same credentials are refused with it. */
  async #inTurn<T>(source: CredentialSource, credentials: KnownCredentials, attempt: (login: LoginIdentity) => Promise<T>): Promise<T> {
    while (this.#doubtful && this.#trial !== undefined) {
      const refusal = await this.#trial;
      if (refusal !== undefined && isSame(refusal.credentials.login, credentials.login)) throw refusal.error;
    }
    const trying = this.#try(source, credentials, attempt);
    if (!this.#doubtful) return await trying;
    const trial = trying.then(
      () => undefined,
      (error: unknown) => (isAccessDenied(error) ? { credentials, error } : undefined),
    );
    this.#trial = trial;
    void trial.then(() => {
      if (this.#trial === trial) this.#trial = undefined;
    });
    return await trying;
  }

  async #try<T>(source: CredentialSource, credentials: KnownCredentials, attempt: (login: LoginIdentity) => Promise<T>): Promise<T> {
    try {
      const made = await attempt(credentials.login);
      this.#doubtful = false;
      source.accepted(credentials);
      return made;
    } catch (error) {
      if (isAccessDenied(error)) this.#doubtful = true;
      throw error;
    }
  }
}

function isAccessDenied(error: unknown): boolean {
  return (error as { readonly errno?: unknown } | null)?.errno === ACCESS_DENIED;
}
