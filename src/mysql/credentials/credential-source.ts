/** What the option `credentials` gives, kept for as long as it holds: asked once for all openings, and again ahead of its expiry. */

import { codeOf, messageOf, PoolError, systemClock } from '../../engine/index.js';
import type { Clock, RandomSource, Timer } from '../../engine/contract/index.js';
import { ignore, inRootContext, within } from '../../engine/waiting/index.js';
import { notedAsCallers } from '../errors/index.js';
import { checkedCredentials, type CredentialsFunction, type LoginIdentity, LOGIN_NAMES } from '../options/index.js';

/**
 * Credentials are asked for again when this part of their time has passed. A token of AWS, which holds for 15 minutes, is replaced 3 to
 * 4.5 minutes ahead: time for the source to come back from a failure. The moment is random, so that a fleet that was started at once does not
 * ask at once.
 */
const REFRESHED_AFTER = { part: 0.7, jitter: 0.1 } as const;

/** After a failure, a random time between the smallest and three times the last one passes, up to the largest: as between refused logins. */
const SMALLEST_BACKOFF_MS = 100;
const LARGEST_BACKOFF_MS = 5_000;

/** An answer that does not come must not hold up all openings without end. */
const LEAST_PATIENCE_MS = 10_000;

/** What the source gave at one time. */
export interface KnownCredentials {
  readonly login: LoginIdentity;
  /** By the wall clock, in milliseconds since 1970. `undefined`: they are for the openings that asked for them. */
  readonly expiresAt: number | undefined;
  /** By the monotonic clock. */
  readonly refreshAt: number;
}

interface Failure {
  readonly error: Error;
  readonly backoffMs: number;
  readonly retryAt: number;
}

/** Time and chance, for tests. */
export interface SourceEnvironment {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Milliseconds since 1970: an expiry is by the wall clock. */
  readonly wall: () => number;
}

const SYSTEM: SourceEnvironment = { clock: systemClock, random: Math.random, wall: () => Date.now() };

export function isSame(one: LoginIdentity, other: LoginIdentity): boolean {
  return LOGIN_NAMES.every((name) => one[name] === other[name]);
}

/** Sources by their functions: pools, nodes and monitors that are given the same one ask it together. */
const sources = new WeakMap<CredentialsFunction, CredentialSource>();

export function sourceOf(ask: CredentialsFunction): CredentialSource {
  const known = sources.get(ask);
  if (known !== undefined) return known;
  const source = new CredentialSource(ask);
  sources.set(ask, source);
  return source;
}

/** The credentials that one function gives. Shows no part of them. */
export class CredentialSource {
  /** The newest answer, whether it still holds or not. */
  #latest: KnownCredentials | undefined = undefined;
  /** The newest answer must not be taken without asking: the server has refused it, or an operator wants a new one. */
  #doubted: 'no' | 'refused' | 'renewed' = 'no';
  /** What the server has refused last, and not taken since. */
  #refused: LoginIdentity | undefined = undefined;
  #request: Promise<KnownCredentials> | undefined = undefined;
  #failure: Failure | undefined = undefined;
  #holders = 0;
  #timer: Timer | undefined = undefined;

  constructor(
    private readonly ask: CredentialsFunction,
    private readonly environment: SourceEnvironment = SYSTEM,
  ) {}

  /** While a pool holds the source, it is asked ahead of each expiry. Returns the function that lets go of it. */
  hold(): () => void {
    let held = true;
    this.#holders += 1;
    this.#schedule();
    return () => {
      if (!held) return;
      held = false;
      this.#holders -= 1;
      this.#schedule();
    };
  }

  /** Why the source has failed since it last answered. */
  get failure(): Error | undefined {
    return this.#failure?.error;
  }

  /** For how long the credentials that are kept still hold, in milliseconds; 0 without any. */
  get validMs(): number {
    const expiresAt = this.#latest?.expiresAt;
    return expiresAt === undefined || this.#doubted === 'refused' ? 0 : Math.max(expiresAt - this.environment.wall(), 0);
  }

  /**
   * The credentials for a login now: those that are kept, while they hold, else what the source answers.
   *
   * @param patienceMs how long the source may take at least
   * @throws PoolError `POOL_CREDENTIALS_FAILED` when it failed, at once while it is not asked again; `POOL_OPTION_INVALID` when it gave something else
   */
  async current(patienceMs: number): Promise<KnownCredentials> {
    const kept = this.validMs > 0 ? this.#latest : undefined;
    if (kept === undefined) return await this.#asked(patienceMs);
    if (this.#doubted === 'renewed') return await this.#asked(patienceMs).catch(() => kept);
    if (this.environment.clock.now() >= kept.refreshAt) this.#refresh();
    return kept;
  }

  /** What a connection logged in with is what a login would take now, as far as it is known without asking. */
  isCurrent({ login, expiresAt }: KnownCredentials): boolean {
    if (this.#latest === undefined || !isSame(login, this.#latest.login) || this.#doubted === 'refused') return false;
    return expiresAt === undefined || this.validMs > 0;
  }

  /** The server has taken them. */
  accepted({ login }: KnownCredentials): void {
    if (this.#refused === undefined || !isSame(login, this.#refused)) return;
    this.#refused = undefined;
    if (this.#latest !== undefined && isSame(login, this.#latest.login) && this.#doubted === 'refused') this.#doubted = 'no';
  }

  /**
   * The server has refused a login with these. Asks the source again, once for all that were refused.
   *
   * @returns other credentials; undefined when the source gives the same ones, and when it was asked already after they were refused
   * @throws as {@link current} does
   */
  async insteadOf(refused: KnownCredentials, patienceMs: number): Promise<KnownCredentials | undefined> {
    const { login } = refused;
    const isKnown = this.#refused !== undefined && isSame(login, this.#refused);
    const isLatest = this.#latest !== undefined && isSame(login, this.#latest.login);
    if (!isLatest) return this.#latest;
    this.#refused = login;
    this.#doubted = 'refused';
    if (isKnown && this.#request === undefined) return undefined;
    const next = await this.#asked(patienceMs);
    return isSame(next.login, login) ? undefined : next;
  }

  /** The next login asks again. What is kept serves only if the source fails. */
  renew(): void {
    if (this.#doubted === 'no') this.#doubted = 'renewed';
  }

  /** One request for all that ask meanwhile, and none before the time for the next attempt has come. */
  #asked(patienceMs: number): Promise<KnownCredentials> {
    if (this.#request !== undefined) return this.#request;
    if (this.#failure !== undefined && this.environment.clock.now() < this.#failure.retryAt) return Promise.reject(this.#failure.error);
    const request = inRootContext(() => this.#answer(Math.max(patienceMs, LEAST_PATIENCE_MS)));
    this.#request = request;
    const done = (): void => {
      this.#request = undefined;
      this.#schedule();
    };
    request.then(done, done);
    return request;
  }

  async #answer(patienceMs: number): Promise<KnownCredentials> {
    const { clock, random, wall } = this.environment;
    try {
      const late = (): Error => new Error(`no answer within ${patienceMs} ms`);
      // Where the function throws, too: the request is known before it fails.
      const asked = Promise.resolve().then(() => this.ask());
      const { login, expiresAt } = checkedCredentials(await within(asked, patienceMs, late, { clock, hold: 'unheld' }));
      const lifeMs = expiresAt === undefined ? 0 : expiresAt - wall();
      const refreshAt = clock.now() + lifeMs * (REFRESHED_AFTER.part + random() * REFRESHED_AFTER.jitter);
      this.#latest = { login, expiresAt, refreshAt };
      // The same ones as were refused are good for one login at a time, which the pool spaces out.
      this.#doubted = this.#refused !== undefined && isSame(login, this.#refused) ? 'refused' : 'no';
      this.#failure = undefined;
      return this.#latest;
    } catch (thrown) {
      const error = failureOf(thrown);
      const lastMs = this.#failure?.backoffMs ?? SMALLEST_BACKOFF_MS;
      const backoffMs = Math.min(SMALLEST_BACKOFF_MS + random() * (lastMs * 3 - SMALLEST_BACKOFF_MS), LARGEST_BACKOFF_MS);
      this.#failure = { error, backoffMs, retryAt: clock.now() + backoffMs };
      throw error;
    }
  }

  /** No opening waits for it: what is kept holds meanwhile. */
  #refresh(): void {
    this.#asked(LEAST_PATIENCE_MS).catch(ignore);
  }

  /** Sets the timer for the next request. What has expired is asked for by the next login. */
  #schedule(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#holders === 0 || this.#request !== undefined || this.#latest === undefined || this.validMs === 0) return;
    const { clock } = this.environment;
    const dueAt = Math.max(this.#latest.refreshAt, this.#failure?.retryAt ?? 0);
    if (dueAt === Number.POSITIVE_INFINITY) return;
    const timeUp = (): void => {
      // A timer has a longest time.
      if (clock.now() < dueAt) this.#schedule();
      else if (this.validMs > 0) this.#refresh();
    };
    this.#timer = inRootContext(() => clock.setTimer(timeUp, Math.max(dueAt - clock.now(), 0)));
    this.#timer.unref();
  }
}

/** That credentials do not come says nothing about the database. */
function failureOf(thrown: unknown): Error {
  if (PoolError.is(thrown) && thrown.code === 'POOL_OPTION_INVALID') return notedAsCallers(thrown);
  const message = `The source of credentials failed: ${messageOf(thrown)} (${codeOf(thrown)}).`;
  return notedAsCallers(new PoolError('POOL_CREDENTIALS_FAILED', message, { cause: thrown }));
}
