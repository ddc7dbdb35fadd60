import { describe, expect, it } from 'vitest';
import type { BreakerChange, BreakerSettings } from '../../../src/resilience/breaker/breaker-types.js';
import { Breaker } from '../../../src/resilience/breaker/breaker.js';
import { catchThrownInMicrotasks } from '../../engine/support/thrown-in-microtasks.js';
import { down, fail, fixture } from './support/breaker-fixture.js';

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
    // The probe that was let through never reports. Its time runs on from the next look at the breaker.
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

describe('manually', () => {
  it('it is opened, and comes back by itself', async () => {
    const { breaker, clock } = fixture();
    breaker.open('maintenance');
    expect(breaker.refusal()).toMatchObject({ message: expect.stringContaining('maintenance') as string });
    await clock.advance(750);
    expect(breaker.refusal()).toBeUndefined();
    breaker.succeeded(0);
    expect(breaker.state).toBe('closed');
  });

  it('it is held open until every holder has let go', async () => {
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

  it('it is closed, even while a caller holds it; a holder that lets go late changes nothing', () => {
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

describe('listeners', () => {
  it('get each change, until they stop; one that throws does not keep the others from getting it', async () => {
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
