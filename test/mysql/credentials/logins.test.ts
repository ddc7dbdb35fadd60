import { describe, expect, it } from 'vitest';
import { CredentialSource, Logins } from '../../../src/mysql/credentials/index.js';
import type { LoginIdentity } from '../../../src/mysql/options/index.js';
import { FakeClock } from '../../engine/support/fake-clock.js';

class Denied extends Error {
  readonly errno = 1045;
}

/** A server that takes one password, and a store that gives one. Logins take a second. */
class Scene {
  readonly clock = new FakeClock();
  readonly logins = new Logins();
  password = 'old';
  stored = 'old';
  expiresInMs: number | undefined = 900_000;
  asked = 0;
  tried: string[] = [];
  underWay = 0;
  mostUnderWay = 0;
  readonly source = new CredentialSource(
    async () => {
      this.asked += 1;
      const { stored, expiresInMs } = this;
      await this.clock.wait(100);
      return expiresInMs === undefined ? stored : { password: stored, expiresAt: this.clock.now() + expiresInMs + 1e12 };
    },
    { clock: this.clock, random: () => 0.5, wall: () => 1e12 + this.clock.now() },
  );

  async logIn(logins = this.logins): Promise<string> {
    const { made } = await logins.logIn(this.source, 10_000, (login) => this.#attempt(login));
    return made;
  }

  /** What logins at the same time came to. */
  async outcomes(count: number): Promise<string[]> {
    const all = Promise.all(Array.from({ length: count }, () => this.logIn().catch((error: Error) => error.message)));
    await this.clock.advance(60_000);
    return await all;
  }

  async #attempt({ password = '' }: LoginIdentity): Promise<string> {
    this.tried.push(password);
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    await this.clock.wait(1_000);
    this.underWay -= 1;
    if (password !== this.password) throw new Denied(`denied: ${password}`);
    return password;
  }
}

describe('a login that is refused with 1045', () => {
  it('is tried once more, with what the source gives now', async () => {
    const scene = new Scene();
    await scene.outcomes(1);
    scene.password = 'new';
    scene.stored = 'new';
    expect(await scene.outcomes(1)).toEqual(['new']);
    expect([scene.asked, scene.tried]).toEqual([2, ['old', 'old', 'new']]);
    expect(await scene.outcomes(1)).toEqual(['new']);
    expect(scene.asked).toBe(2);
  });

  it('is not tried again when the source gives the same: one wrong login for each opening, and no second question', async () => {
    const scene = new Scene();
    await scene.outcomes(1);
    scene.password = 'new';
    expect(await scene.outcomes(1)).toEqual(['denied: old']);
    expect([scene.asked, scene.tried]).toEqual([2, ['old', 'old']]);
    // The pool opens again after its pause.
    expect(await scene.outcomes(1)).toEqual(['denied: old']);
    expect([scene.asked, scene.tried]).toEqual([3, ['old', 'old', 'old']]);
    scene.stored = 'new';
    expect(await scene.outcomes(1)).toEqual(['new']);
    expect(scene.asked).toBe(4);
  });

  it('fails when the second one is refused, too', async () => {
    const scene = new Scene();
    await scene.outcomes(1);
    scene.password = 'newest';
    scene.stored = 'new';
    expect(await scene.outcomes(1)).toEqual(['denied: new']);
    expect([scene.asked, scene.tried.slice(1)]).toEqual([2, ['old', 'new']]);
  });

  it('asks the source once for all that were under way', async () => {
    const scene = new Scene();
    await scene.outcomes(1);
    scene.password = 'new';
    scene.stored = 'new';
    expect(await scene.outcomes(10)).toEqual(Array.from({ length: 10 }, () => 'new'));
    expect(scene.asked).toBe(2);
  });

  it('I6: is followed by one login at a time: new credentials that are wrong, too, cost one more login and not one for each', async () => {
    const scene = new Scene();
    await scene.outcomes(1);
    scene.password = 'newest';
    scene.stored = 'new';
    expect(await scene.outcomes(10)).toEqual(Array.from({ length: 10 }, () => 'denied: new'));
    expect(scene.tried.filter((password) => password === 'new')).toEqual(['new']);
    scene.mostUnderWay = 0;
    scene.password = 'new';
    expect(await scene.outcomes(10)).toEqual(Array.from({ length: 10 }, () => 'new'));
    expect(scene.tried.filter((password) => password === 'old')).toHaveLength(11);
  });

  it('keeps the error of the server when the source fails meanwhile', async () => {
    const scene = new Scene();
    await scene.outcomes(1);
    scene.password = 'new';
    Object.defineProperty(scene, 'stored', {
      get: () => {
        throw new Error('down');
      },
    });
    expect(await scene.outcomes(1)).toEqual(['denied: old']);
  });

  it('by one server of several is not held against the others, which take the same credentials', async () => {
    const scene = new Scene();
    await scene.outcomes(1);
    const replica = new Logins();
    scene.password = 'of another time';
    const refused = scene.logIn(replica).catch((error: Error) => error.message);
    await scene.clock.advance(10_000);
    expect(await refused).toBe('denied: old');
    scene.password = 'old';
    expect(await scene.outcomes(3)).toEqual(['old', 'old', 'old']);
    const { asked } = scene;
    expect(await scene.outcomes(3)).toEqual(['old', 'old', 'old']);
    expect(scene.asked).toBe(asked);
  });

  it('asks again where credentials have no expiry, too', async () => {
    const scene = new Scene();
    scene.expiresInMs = undefined;
    await scene.outcomes(1);
    const late = scene.logIn();
    await scene.clock.advance(500);
    [scene.password, scene.stored] = ['new', 'new'];
    await scene.clock.advance(10_000);
    expect([await late, scene.asked]).toEqual(['new', 3]);
  });

  it('an error of another kind is passed on, and nothing is asked again', async () => {
    const scene = new Scene();
    const failing = scene.logins.logIn(scene.source, 10_000, () => Promise.reject(Object.assign(new Error('locked'), { errno: 3118 })));
    const failed = failing.catch((error: Error) => error.message);
    await scene.clock.advance(1_000);
    expect(await failed).toBe('locked');
    expect(scene.asked).toBe(1);
  });
});
