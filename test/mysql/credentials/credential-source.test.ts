import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/index.js';
import { CredentialSource } from '../../../src/mysql/credentials/index.js';
import type { Credentials } from '../../../src/mysql/options/index.js';
import { FakeClock } from '../../engine/support/fake-clock.js';

const MINUTE = 60_000;
/** When the tests begin, by the wall clock. */
const START = Date.UTC(2026, 10, 29);

type Answer = string | Credentials | Error | Promise<string | Credentials>;

/** A source on a fake clock, which gives the listed answers: the answer before the last one is given once, the last one again and again. */
function sourceOf(answers: Answer[], random = 0.5) {
  const clock = new FakeClock();
  let asked = 0;
  const wall = (): number => START + clock.now();
  const ask = async (): Promise<string | Credentials> => {
    const answer = answers[Math.min(asked, answers.length - 1)] as Answer;
    asked += 1;
    if (answer instanceof Error) throw answer;
    return await answer;
  };
  const source = new CredentialSource(ask, { clock, random: () => random, wall });
  return {
    clock,
    source,
    answers,
    asked: () => asked,
    passwordNow: async () => (await source.current(10_000)).login.password,
  };
}

const until = (minutes: number, password: string): Credentials => ({ password, expiresAt: START + minutes * MINUTE });

describe('credentials with an expiry', () => {
  it('are asked for once, however many connections are opened meanwhile and afterwards', async () => {
    const { asked, passwordNow, clock } = sourceOf([until(15, 'first')]);
    expect(await Promise.all([1, 2, 3, 4].map(passwordNow))).toEqual(['first', 'first', 'first', 'first']);
    await clock.advance(5 * MINUTE);
    expect([await passwordNow(), asked()]).toEqual(['first', 1]);
  });

  it.each([
    [0, 10.5],
    [0.999_999, 12],
  ])('that hold for 15 minutes are refreshed between minute 10.5 and minute 12, at a random moment (%d)', async (random, minute) => {
    const { source, asked, passwordNow, clock } = sourceOf([until(15, 'first'), until(30, 'second')], random);
    source.hold();
    await passwordNow();
    await clock.advance(minute * MINUTE - 1_000);
    expect(asked()).toBe(1);
    await clock.advance(2_000);
    expect([asked(), await passwordNow()]).toEqual([2, 'second']);
  });

  it('are refreshed behind an opening, which takes those that still hold, where no pool holds the source', async () => {
    const { asked, passwordNow, clock } = sourceOf([until(15, 'first'), until(30, 'second')]);
    await passwordNow();
    await clock.advance(13 * MINUTE);
    expect([await passwordNow(), asked()]).toEqual(['first', 2]);
    await clock.settle();
    expect([await passwordNow(), asked()]).toEqual(['second', 2]);
  });

  it('keep no process alive, and are refreshed no more when the last pool has let go', async () => {
    const { source, asked, passwordNow, clock } = sourceOf([until(15, 'first'), until(30, 'second')]);
    const [letGo, other] = [source.hold(), source.hold()];
    await passwordNow();
    letGo();
    letGo();
    expect([clock.pendingTimers, clock.referencedTimers]).toEqual([1, 0]);
    other();
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(14 * MINUTE);
    expect(asked()).toBe(1);
  });

  it('serve on while the source fails, which is asked again after growing pauses; then the failure has a code', async () => {
    const { source, answers, asked, passwordNow, clock } = sourceOf([until(15, 'first'), new Error('the vault is sealed')]);
    source.hold();
    await passwordNow();
    await clock.advance(12 * MINUTE);
    const attempts = asked();
    await clock.advance(2 * MINUTE);
    expect(await passwordNow()).toBe('first');
    expect(source.failure?.message).toContain('the vault is sealed');
    // In two minutes: no more than one each 100 ms, no less than one each 5 s.
    expect(asked() - attempts).toBeGreaterThanOrEqual(120_000 / 5_000 - 1);
    expect(asked() - attempts).toBeLessThanOrEqual(120_000 / 2_000);
    await clock.advance(1.1 * MINUTE);
    await expect(passwordNow()).rejects.toMatchObject({ code: 'POOL_CREDENTIALS_FAILED', cause: { message: 'the vault is sealed' } });
    answers[1] = until(40, 'second');
    await clock.advance(5_000);
    expect([await passwordNow(), source.failure]).toEqual(['second', undefined]);
  });

  it('that have expired are not asked for until a connection is opened', async () => {
    const { source, asked, passwordNow, clock } = sourceOf([until(15, 'first'), new Error('down')]);
    source.hold();
    await passwordNow();
    await clock.advance(15 * MINUTE);
    const attempts = asked();
    await clock.advance(60 * MINUTE);
    expect([asked(), clock.pendingTimers]).toEqual([attempts, 0]);
  });

  it('without end are never refreshed, and those that are in the past when they come serve the openings that asked', async () => {
    const forever = sourceOf([{ password: 'first', expiresAt: Number.POSITIVE_INFINITY }]);
    forever.source.hold();
    await forever.passwordNow();
    await forever.clock.advance(600 * MINUTE);
    expect([await forever.passwordNow(), forever.asked(), forever.clock.pendingTimers]).toEqual(['first', 1, 0]);
    const past = sourceOf([until(-1, 'first')]);
    past.source.hold();
    expect([await past.passwordNow(), await past.passwordNow(), past.asked(), past.clock.pendingTimers]).toEqual(['first', 'first', 2, 0]);
  });

  it('are asked for again after renew(); those that are kept serve if the source fails', async () => {
    const { source, asked, passwordNow } = sourceOf([until(15, 'first'), new Error('down'), until(30, 'second')]);
    await passwordNow();
    source.renew();
    expect([await passwordNow(), asked()]).toEqual(['first', 2]);
  });
});

describe('credentials without an expiry', () => {
  it('are asked for once by openings at the same time, and again by later ones', async () => {
    const { asked, passwordNow } = sourceOf(['first', 'second']);
    expect(await Promise.all([passwordNow(), passwordNow()])).toEqual(['first', 'first']);
    expect([await passwordNow(), asked()]).toEqual(['second', 2]);
  });

  it('that fail are not asked for again before a pause is over: openings meanwhile fail with the same error', async () => {
    const { asked, passwordNow, clock } = sourceOf([new Error('down'), 'second']);
    const failed = { code: 'POOL_CREDENTIALS_FAILED', message: 'The source of credentials failed: down (Error).' };
    for (let round = 0; round < 3; round += 1) await expect(passwordNow()).rejects.toMatchObject(failed);
    expect(asked()).toBe(1);
    await clock.advance(300);
    expect([await passwordNow(), asked()]).toEqual(['second', 2]);
  });
});

describe('a source', () => {
  it('that never answers is given up after ten seconds, and asked again', async () => {
    const { asked, passwordNow, clock } = sourceOf([new Promise(() => undefined), 'second']);
    const failed = passwordNow().catch((error: unknown) => error);
    await clock.advance(10_000);
    expect(await failed).toMatchObject({ code: 'POOL_CREDENTIALS_FAILED', message: expect.stringContaining('10000 ms') });
    await clock.advance(300);
    expect([await passwordNow(), asked()]).toEqual(['second', 2]);
  });

  it.each<[string, unknown, RegExp]>([
    [
      'seconds',
      { password: 'hunter2', expiresAt: START / 1000 },
      /expiresAt of credentials\(\) .*milliseconds since 1970: this is in seconds/u,
    ],
    ['a duration', { password: 'hunter2', expiresAt: 900_000 }, /or only a duration/u],
    ['a string', { password: 'hunter2', expiresAt: '2026-11-29T00:15:00Z' }, /a Date, or milliseconds since 1970/u],
    ['a date that is invalid', { password: 'hunter2', expiresAt: new Date(Number.NaN) }, /a Date, or milliseconds since 1970/u],
    ['a host', { password: 'hunter2', host: 'evil.example' }, /host says where to connect/u],
    ['the name of a secret store', { password: 'hunter2', expires_at: 1 }, /what the secret calls expires_at is expiresAt/u],
    ['nothing', undefined, /a password, or an object/u],
  ])('that gives %s is refused without its values', async (_, given, message) => {
    const error = await sourceOf([given as Credentials])
      .passwordNow()
      .catch((thrown: unknown) => thrown);
    expect(PoolError.is(error) && error.code).toBe('POOL_OPTION_INVALID');
    expect((error as Error).message).toMatch(message);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });

  it('takes a Date as well, and shows no secret when it is logged', async () => {
    const { source, asked, passwordNow } = sourceOf([{ user: 'app', password: 'hunter2', expiresAt: new Date(START + MINUTE) }]);
    await passwordNow();
    expect([await passwordNow(), asked()]).toEqual(['hunter2', 1]);
    expect(inspect(source, { depth: 9, showHidden: true }) + JSON.stringify(source)).not.toContain('hunter2');
  });
});
