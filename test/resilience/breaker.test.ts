import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { PoolError } from '../../src/engine/contract/errors.js';
import type { BreakerChange, BreakerSettings, BreakerState } from '../../src/resilience/breaker/breaker-types.js';
import { Breaker } from '../../src/resilience/breaker/breaker.js';
import { FakeClock } from '../engine/support/fake-clock.js';
import { catchThrownInMicrotasks } from '../engine/support/thrown-in-microtasks.js';

interface Fixture {
  readonly clock: FakeClock;
  readonly breaker: Breaker;
  readonly changes: BreakerChange[];
}

function fixture(settings: BreakerSettings = {}, random = (): number => 0.5): Fixture {
  const clock = new FakeClock(1_000);
  const breaker = new Breaker(settings, { clock, random });
  const changes: BreakerChange[] = [];
  breaker.onChange((change) => changes.push(change));
  return { clock, breaker, changes };
}

const down = Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' });

function fail(breaker: Breaker, times = 1): void {
  for (let time = 0; time < times; time += 1) breaker.failed(down, 0);
}

describe('a closed breaker', () => {
  it('lets everything through', () => {
    const { breaker } = fixture();
    for (let call = 0; call < 100; call += 1) {
      expect(breaker.refusal()).toBeUndefined();
      breaker.succeeded(1);
    }
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', successes: 100, failures: 0, refused: 0, window: { calls: 100 } });
  });

  it('opens after so many failures in a row, and a success begins the count anew', () => {
    const { breaker } = fixture({ consecutiveFailures: 3, failureRate: 0 });
    fail(breaker, 2);
    breaker.succeeded(0);
    fail(breaker, 2);
    expect(breaker.state).toBe('closed');
    fail(breaker);
    expect(breaker.state).toBe('open');
    expect(breaker.snapshot().reason).toContain('3 calls in a row failed; the last error: nobody listens (ECONNREFUSED)');
  });

  it('opens at a rate of failures, and not before there are enough calls to speak of one', () => {
    const { breaker } = fixture({ failureRate: 50, minimumCalls: 10 });
    fail(breaker, 9);
    expect(breaker.state).toBe('closed');
    fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('stays closed while fewer fail than the rate says', () => {
    const { breaker } = fixture({ failureRate: 50, minimumCalls: 10 });
    for (let call = 0; call < 1_000; call += 1) {
      breaker.succeeded(0);
      if (call % 2 === 0) fail(breaker);
    }
    expect(breaker.state).toBe('closed');
  });

  it('forgets what is older than the window, to within a tenth of it', async () => {
    const { breaker, clock } = fixture({ failureRate: 50, minimumCalls: 10, window: 1_000 });
    fail(breaker, 9);
    await clock.advance(1_001);
    fail(breaker);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', window: { calls: 1, failures: 1 } });
    await clock.advance(850);
    for (let call = 0; call < 8; call += 1) breaker.succeeded(0);
    fail(breaker);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', window: { calls: 10, failures: 2 } });
  });

  it('opens at a rate of slow calls, also when they succeed', () => {
    const { breaker } = fixture({ slowCallTime: 100, slowCallRate: 50, minimumCalls: 4 });
    breaker.succeeded(99);
    breaker.succeeded(99);
    breaker.succeeded(100);
    expect(breaker.state).toBe('closed');
    breaker.succeeded(250);
    expect(breaker.snapshot()).toMatchObject({ state: 'open', reason: '2 of 4 calls were slow', slowCalls: 2 });
  });

  it('counts slow failures as slow', () => {
    const { breaker } = fixture({ failureRate: 0, slowCallTime: 100, slowCallRate: 100, minimumCalls: 3 });
    for (let call = 0; call < 3; call += 1) breaker.failed(down, 200);
    expect(breaker.state).toBe('open');
  });
});

describe('an open breaker', () => {
  it('refuses at once, with the cause and when the next call is let through', () => {
    const { breaker } = fixture({ name: 'rates', consecutiveFailures: 1, shortestOpen: 200, longestOpen: 200 });
    fail(breaker);
    const refusal = breaker.refusal();
    expect(PoolError.is(refusal)).toBe(true);
    expect(refusal).toMatchObject({ code: 'POOL_BREAKER_OPEN', cause: down, retryInMs: 200 });
    expect(refusal?.message).toBe(
      "Breaker 'rates' is open: 1 calls in a row failed; the last error: nobody listens (ECONNREFUSED). The next call is let through in 200 ms.",
    );
    expect(breaker.snapshot()).toMatchObject({ refused: 1, nextProbeInMs: 200 });
  });

  it('lets so many probes through when its time is over, and no other call', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, probes: 2, shortestOpen: 100, longestOpen: 100 });
    fail(breaker);
    await clock.advance(99);
    expect(breaker.refusal()).toBeDefined();
    await clock.advance(1);
    expect([breaker.refusal(), breaker.refusal()]).toEqual([undefined, undefined]);
    expect(breaker.state).toBe('half-open');
    for (let call = 0; call < 50; call += 1) expect(breaker.refusal()).toMatchObject({ code: 'POOL_BREAKER_OPEN' });
    breaker.succeeded(0);
    expect(breaker.refusal()).toBeDefined();
    breaker.succeeded(0);
    expect(breaker.state).toBe('closed');
  });

  it('opens again when a probe fails, each time for longer, with jitter, up to a limit', async () => {
    const { breaker, clock, changes } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 1_000 }, () => 1 - 1e-9);
    fail(breaker);
    for (let round = 0; round < 4; round += 1) {
      await clock.advance(breaker.snapshot().nextProbeInMs ?? 0);
      expect(breaker.refusal()).toBeUndefined();
      fail(breaker);
    }
    const delays = changes.filter(({ to }) => to === 'open').map(({ nextProbeInMs }) => Math.round(nextProbeInMs ?? 0));
    expect(delays).toEqual([300, 900, 1_000, 1_000, 1_000]);
  });

  it('begins with short delays again after it was closed', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 1_000 }, () => 1 - 1e-9);
    for (let round = 0; round < 3; round += 1) {
      fail(breaker);
      expect(breaker.snapshot().nextProbeInMs).toBeCloseTo(300);
      await clock.advance(300);
      expect(breaker.refusal()).toBeUndefined();
      breaker.succeeded(0);
      expect(breaker.state).toBe('closed');
    }
  });

  it('takes no notice of calls that began before it opened', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 100 });
    await clock.advance(50);
    fail(breaker);
    await clock.advance(100);
    expect(breaker.refusal()).toBeUndefined();
    breaker.succeeded(120);
    breaker.failed(down, 120);
    expect(breaker.state).toBe('half-open');
    breaker.succeeded(0);
    expect(breaker.state).toBe('closed');
    breaker.failed(down, 120);
    expect(breaker.state).toBe('closed');
  });

  it('replaces a probe that was given up, and one that never tells', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 100, probeTimeout: 500 });
    fail(breaker);
    await clock.advance(100);
    expect(breaker.refusal()).toBeUndefined();
    breaker.gaveUp();
    expect(breaker.refusal()).toBeUndefined();
    expect(breaker.refusal()).toBeDefined();
    await clock.advance(500);
    expect(breaker.refusal()).toBeUndefined();
    expect(breaker.refusal()).toBeDefined();
  });

  it('lets nobody through while somebody else makes the probe', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 100 });
    fail(breaker);
    breaker.probing();
    expect(breaker.state).toBe('half-open');
    expect(breaker.refusal()).toBeDefined();
    breaker.failed(down, 0, clock.now(), 400);
    expect(breaker.snapshot()).toMatchObject({ state: 'open', nextProbeInMs: 400 });
  });

  it('opens again when a probe is slow', async () => {
    const { breaker, clock } = fixture({ slowCallTime: 50, slowCallRate: 100, minimumCalls: 1, shortestOpen: 100, longestOpen: 100 });
    breaker.succeeded(50);
    await clock.advance(200);
    expect(breaker.refusal()).toBeUndefined();
    await clock.advance(60);
    breaker.succeeded(60);
    expect(breaker.snapshot()).toMatchObject({ state: 'open', reason: 'a probe was slow' });
  });
});

describe('execute()', () => {
  it('passes results and errors on, and counts them', async () => {
    const { breaker } = fixture({ consecutiveFailures: 2 });
    await expect(breaker.execute(() => 7)).resolves.toBe(7);
    await expect(breaker.execute(() => Promise.reject(down))).rejects.toBe(down);
    await expect(
      breaker.execute(() => {
        throw down;
      }),
    ).rejects.toBe(down);
    expect(breaker.snapshot()).toMatchObject({ state: 'open', successes: 1, failures: 2 });
  });

  it('lets a fallback answer when it refuses, and only then', async () => {
    const { breaker } = fixture({ consecutiveFailures: 1 });
    const fallback = vi.fn<(error: PoolError) => string>(() => 'from memory');
    await expect(breaker.execute(() => Promise.reject<string>(down), { fallback })).rejects.toBe(down);
    expect(fallback).not.toHaveBeenCalled();
    const call = vi.fn<() => string>(() => 'fresh');
    await expect(breaker.execute(call, { fallback })).resolves.toBe('from memory');
    expect(call).not.toHaveBeenCalled();
    expect(fallback.mock.calls[0]?.[0]).toMatchObject({ code: 'POOL_BREAKER_OPEN', cause: down });
    await expect(breaker.execute(call)).rejects.toMatchObject({ code: 'POOL_BREAKER_OPEN' });
  });

  it('does not hold against it that a caller gave up, or that an answer was an error', async () => {
    const { breaker, clock } = fixture({
      consecutiveFailures: 1,
      shortestOpen: 100,
      longestOpen: 100,
      verdict: (error) => (error === down ? 'failed' : (error as Error).message === 'gone' ? 'nothing' : 'answered'),
    });
    const rejected = async (error: Error): Promise<void> => {
      const call = (): never => {
        throw error;
      };
      await expect(breaker.execute(call)).rejects.toBe(error);
    };
    await rejected(new Error('gone'));
    await rejected(new Error('syntax error'));
    expect(breaker.state).toBe('closed');
    await rejected(down);
    await clock.advance(100);
    // A probe that was given up leaves room for the next; an error that is an answer closes.
    await rejected(new Error('gone'));
    expect(breaker.state).toBe('half-open');
    await rejected(new Error('syntax error'));
    expect(breaker.state).toBe('closed');
  });

  it('passes the error of the call on, and counts it, when the verdict on it fails', async () => {
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    const wrong = new Error('a mistake in the verdict');
    const { breaker, clock } = fixture({
      consecutiveFailures: 1,
      verdict: () => {
        throw wrong;
      },
    });
    await expect(breaker.execute(() => Promise.reject(down))).rejects.toBe(down);
    await clock.settle();
    restore();
    expect(breaker.state).toBe('open');
    expect(thrown).toEqual([wrong]);
  });

  it('tells of a fallback that throws, and goes on as before', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 100 });
    fail(breaker);
    const call = vi.fn<() => number>(() => 7);
    const fallback = (): never => {
      throw new Error('nothing in memory');
    };
    await expect(breaker.execute(call, { fallback })).rejects.toThrow('nothing in memory');
    expect(breaker.snapshot()).toMatchObject({ state: 'open', refused: 1, failures: 1 });
    await clock.advance(100);
    await expect(breaker.execute(call, { fallback })).resolves.toBe(7);
    expect(breaker.state).toBe('closed');
  });

  it('counts a call that its caller gave up as nothing, however long it took', async () => {
    const { breaker, clock } = fixture({ slowCallTime: 50, slowCallRate: 1, minimumCalls: 1, shortestOpen: 100, longestOpen: 100 });
    const givenUp = async (): Promise<never> => {
      await clock.advance(1_000);
      throw new DOMException('gone', 'AbortError');
    };
    await expect(breaker.execute(givenUp)).rejects.toThrow('gone');
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', slowCalls: 0, window: { calls: 0 } });
    breaker.open('by the test');
    await clock.advance(100);
    // Nor does it settle a probe: the next caller is one.
    await expect(breaker.execute(givenUp)).rejects.toThrow('gone');
    expect(breaker.state).toBe('half-open');
    await expect(breaker.execute(() => 7)).resolves.toBe(7);
    expect(breaker.state).toBe('closed');
  });

  it('takes no notice of a probe that is answered after somebody has isolated it, and begins anew when it is let go', async () => {
    const { breaker, clock } = fixture({ consecutiveFailures: 1, shortestOpen: 100, longestOpen: 100 });
    for (const outcome of ['answered', 'failed'] as const) {
      fail(breaker);
      await clock.advance(100);
      let settle: () => void = () => undefined;
      const probe = breaker.execute(
        () =>
          new Promise<void>((resolve, reject) => {
            settle = () => (outcome === 'answered' ? resolve() : reject(down));
          }),
      );
      expect(breaker.state).toBe('half-open');
      await clock.advance(10);
      const letGo = breaker.isolate();
      await clock.advance(10);
      settle();
      await probe.catch(() => undefined);
      expect(breaker.state).toBe('isolated');
      letGo();
      expect(breaker.state).toBe('closed');
    }
  });

  it('does not count aborts, unless it is told otherwise', async () => {
    const { breaker } = fixture({ consecutiveFailures: 1 });
    for (const error of [
      new DOMException('gone', 'AbortError'),
      Object.assign(new Error('gone'), { code: 'ABORT_ERR' }),
      new PoolError('POOL_ABORTED', 'gone'),
    ]) {
      await expect(breaker.execute(() => Promise.reject(error))).rejects.toBe(error);
    }
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', successes: 0, failures: 0 });
  });
});

describe('a clock that is stepped', () => {
  function stepped(settings: BreakerSettings) {
    const clock = { at: 1_000_000, now: (): number => clock.at, setTimer: () => expect.fail('a breaker sets no timer') };
    return { clock, breaker: new Breaker(settings, { clock, random: () => 0.5 }) };
  }

  it.each([1e9, -1e9])('by %d ms does not keep it open, lose its probe, or make up failures', (stepMs) => {
    const settings = { consecutiveFailures: 2, shortestOpen: 100, longestOpen: 100, probeTimeout: 500, window: 1_000, minimumCalls: 4 };
    const { clock, breaker } = stepped(settings);
    breaker.failed(down, 0);
    breaker.failed(down, 0);
    clock.at += stepMs;
    expect(breaker.snapshot().nextProbeInMs).toBeLessThanOrEqual(100);
    clock.at += 100;
    expect(breaker.refusal()).toBeUndefined();
    expect(breaker.refusal()).toBeDefined();
    clock.at += stepMs;
    // The probe that was let through never tells. Its time runs on from when somebody looks.
    breaker.snapshot();
    clock.at += 500;
    expect(breaker.refusal()).toBeUndefined();
    breaker.succeeded(0);
    expect(breaker.state).toBe('closed');
  });

  it.each([1e9, -1e9])('by %d ms makes a window forget what was before', (stepMs) => {
    const { clock, breaker } = stepped({ failureRate: 50, minimumCalls: 4, window: 1_000 });
    for (let call = 0; call < 3; call += 1) breaker.failed(down, 0);
    clock.at += stepMs;
    breaker.failed(down, 0);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', window: { calls: 1, failures: 1 } });
    clock.at += 1_100;
    expect(breaker.recentCalls).toBe(0);
  });
});

describe('by hand', () => {
  it('it is opened, and comes back by itself', async () => {
    const { breaker, clock } = fixture();
    breaker.open('maintenance');
    expect(breaker.refusal()).toMatchObject({ message: expect.stringContaining('maintenance') as string });
    await clock.advance(750);
    expect(breaker.refusal()).toBeUndefined();
    breaker.succeeded(0);
    expect(breaker.state).toBe('closed');
  });

  it('it is held open until everybody who holds it has let go', async () => {
    const { breaker, clock } = fixture();
    const first = breaker.isolate('maintenance');
    const second = breaker.isolate();
    await clock.advance(100_000);
    breaker.succeeded(0);
    expect(breaker.refusal()).toMatchObject({ code: 'POOL_BREAKER_OPEN', message: "Breaker 'breaker' is isolated: maintenance." });
    expect(breaker.snapshot().nextProbeInMs).toBeNull();
    first();
    first();
    expect(breaker.state).toBe('isolated');
    second();
    expect(breaker.state).toBe('closed');
  });

  it('it is closed, also while somebody holds it; who let go late holds nothing', () => {
    const { breaker } = fixture({ consecutiveFailures: 1 });
    const letGo = breaker.isolate();
    breaker.close();
    expect(breaker.state).toBe('closed');
    const again = breaker.isolate();
    letGo();
    expect(breaker.state).toBe('isolated');
    again();
    fail(breaker);
    breaker.close();
    expect(breaker.refusal()).toBeUndefined();
  });
});

describe('those who listen', () => {
  it('are told of each change, until they stop; one that throws does not keep the others from hearing', async () => {
    const { breaker, clock } = fixture({ name: 'rates', consecutiveFailures: 1, shortestOpen: 100, longestOpen: 100 });
    const thrown: unknown[] = [];
    const restore = catchThrownInMicrotasks(thrown);
    const stopThrowing = breaker.onChange(() => {
      throw new Error('a listener of mine');
    });
    const heard: BreakerChange[] = [];
    const stop = breaker.onChange((change) => heard.push(change));
    fail(breaker);
    await clock.settle();
    restore();
    expect(thrown).toMatchObject([{ message: 'a listener of mine' }]);
    stopThrowing();
    expect(heard).toEqual([
      { breaker: 'rates', from: 'closed', to: 'open', reason: expect.stringContaining('ECONNREFUSED') as string, nextProbeInMs: 100 },
    ]);
    stop();
    breaker.close();
    expect(heard).toHaveLength(1);
  });
});

describe('options', () => {
  it.each([
    [{ failureRate: 101 }, 'failureRate must be a whole number from 0 to 100; given: 101.'],
    [{ probes: 0 }, 'probes must be'],
    [{ shortestOpen: 500, longestOpen: 400 }, 'shortestOpen (500) must not be above longestOpen (400).'],
    [{ name: '' }, 'name must be'],
    [{ verdict: 'failed' as never }, 'verdict must be a function'],
    [{ failureRatio: 5 } as never, 'Unknown option failureRatio. Did you mean failureRate?'],
  ])('%o are refused', (settings, message) => {
    expect(() => new Breaker(settings as BreakerSettings)).toThrow(message);
  });

  it('give way to what was asked for', () => {
    expect(new Breaker({ shortestOpen: 5_000 }).options.longestOpen).toBe(5_000);
    expect(new Breaker({ longestOpen: 20 }).options.shortestOpen).toBe(20);
  });
});

/** The diagram of docs/resilience.md: where each state may lead. */
const DIAGRAM: Readonly<Record<BreakerState, readonly BreakerState[]>> = {
  closed: ['open', 'isolated'],
  open: ['half-open', 'closed', 'isolated'],
  'half-open': ['open', 'closed', 'isolated'],
  isolated: ['closed'],
};

type Step =
  | {
      readonly kind: 'call' | 'jump' | 'settle';
      readonly pick: number;
      readonly ms: number;
      readonly outcome: 'ok' | 'error' | 'slow' | 'gone';
    }
  | { readonly kind: 'open' | 'close' | 'isolate' | 'letGo' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom('call' as const, 'call' as const, 'settle' as const, 'settle' as const, 'jump' as const),
      pick: fc.nat(1_000),
      // A stalled process, and (which no clock of ours does) steps back, short ones and far ones.
      ms: fc.oneof(fc.nat(40), fc.nat(2_000), fc.constant(1e9), fc.integer({ min: -500, max: -1 }), fc.constant(-1e9)),
      outcome: fc.constantFrom('ok' as const, 'error' as const, 'slow' as const, 'gone' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('open' as const, 'close' as const, 'isolate' as const, 'letGo' as const) }) },
);

const options = fc.record({
  consecutiveFailures: fc.nat(5),
  failureRate: fc.constantFrom(0, 30, 50, 100),
  slowCallTime: fc.constantFrom(0, 30),
  slowCallRate: fc.constantFrom(50, 100),
  window: fc.constantFrom(100, 1_000),
  minimumCalls: fc.integer({ min: 1, max: 6 }),
  shortestOpen: fc.constantFrom(1, 50),
  longestOpen: fc.constantFrom(50, 600),
  probes: fc.integer({ min: 1, max: 3 }),
  probeTimeout: fc.constantFrom(100, 1_000),
});

describe('whatever happens', () => {
  it('the breaker stays within its diagram, admits no more probes than it may, and its counts add up', () => {
    fc.assert(
      fc.property(
        options,
        fc.array(step, { maxLength: 120 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (settings, steps, chance) => {
          let now = 1_000;
          const clock = { now: () => now, setTimer: () => expect.fail('a breaker sets no timer') };
          const breaker = new Breaker(settings, { clock, random: () => chance.next().value as number });
          let state = breaker.state;
          let renewAt = 0;
          let changedAt = Number.NEGATIVE_INFINITY;
          let probes = 0;
          const letGo: (() => void)[] = [];
          const underWay: { readonly startedAt: number }[] = [];
          let told = { successes: 0, failures: 0, refused: 0 };
          breaker.onChange((change) => {
            expect(change.from).toBe(state);
            expect(DIAGRAM[change.from]).toContain(change.to);
            state = change.to;
            changedAt = now;
            if (change.to === 'half-open') {
              probes = 0;
              renewAt = now + settings.probeTimeout;
            }
            if (change.to === 'open') {
              expect(change.nextProbeInMs).toBeGreaterThanOrEqual(Math.min(settings.shortestOpen, settings.longestOpen));
              expect(change.nextProbeInMs).toBeLessThanOrEqual(settings.longestOpen);
            }
          });
          const settle = (index: number, outcome: string): void => {
            const [call] = underWay.splice(index, 1);
            const durationMs = now - (call?.startedAt ?? now);
            if (outcome === 'gone') {
              breaker.gaveUp();
              if (probes > 0) probes -= 1;
            } else if (outcome === 'error') {
              told = { ...told, failures: told.failures + 1 };
              breaker.failed(down, durationMs);
            } else {
              told = { ...told, successes: told.successes + 1 };
              breaker.succeeded(outcome === 'slow' ? durationMs + 30 : durationMs);
            }
          };
          for (const one of steps) {
            if (one.kind === 'jump') {
              now += one.ms;
              // What was waited for when the clock was stepped back is waited for from then on.
              if (now < changedAt) {
                renewAt -= changedAt - now;
                changedAt = now;
              }
            } else if (one.kind === 'settle' && underWay.length > 0) settle(one.pick % underWay.length, one.outcome);
            else if (one.kind === 'call') {
              const before = state;
              const refusal = breaker.refusal();
              if (before === 'closed') expect(refusal).toBeUndefined();
              if (before === 'isolated') expect(refusal).toBeDefined();
              if (refusal === undefined) underWay.push({ startedAt: now });
              else told = { ...told, refused: told.refused + 1 };
              if (refusal === undefined && before !== 'closed') {
                expect(state).toBe('half-open');
                if (now >= renewAt || now < renewAt - settings.probeTimeout - 0.001) {
                  probes = 0;
                  renewAt = now + settings.probeTimeout;
                }
                probes += 1;
                expect(probes).toBeLessThanOrEqual(settings.probes);
              }
            } else if (one.kind === 'open') breaker.open();
            else if (one.kind === 'close') breaker.close();
            else if (one.kind === 'isolate') letGo.push(breaker.isolate());
            else if (one.kind === 'letGo') letGo.pop()?.();
            expect(breaker.state).toBe(state);
            expect(breaker.closed).toBe(state === 'closed');
            const { window, successes, failures, refused } = breaker.snapshot();
            expect({ successes, failures, refused }).toEqual(told);
            expect(window.failures).toBeLessThanOrEqual(window.calls);
            expect(window.slow).toBeLessThanOrEqual(window.calls);
            expect(Math.min(window.calls, window.failures, window.slow)).toBeGreaterThanOrEqual(0);
          }
          // However it stands, it is never stuck: in the end a call is let through, and when that succeeds, all are.
          for (const release of letGo) release();
          for (let round = 0; round < 20 && !breaker.closed; round += 1) {
            now += 2_000;
            if (breaker.refusal() === undefined && !breaker.closed) breaker.succeeded(0);
          }
          expect(breaker.closed).toBe(true);
        },
      ),
      { numRuns: 400 },
    );
  });
});
