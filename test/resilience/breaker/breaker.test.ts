import { describe, expect, it } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';
import { down, fail, fixture } from './support/breaker-fixture.js';

describe('a closed breaker', () => {
  it('lets everything through', () => {
    const { breaker } = fixture();
    for (let call = 0; call < 100; call += 1) {
      expect(breaker.refusal()).toBeUndefined();
      breaker.succeeded(1);
    }
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', successes: 100, failures: 0, refused: 0, window: { calls: 100 } });
  });

  it('opens after so many failures in a row, and a success starts the count again', () => {
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

  it('forgets the failures of a party that has proved to be there, and counts the calls', () => {
    const { breaker } = fixture({ failureRate: 50, minimumCalls: 10 });
    fail(breaker, 9);
    breaker.acquit();
    expect(breaker.snapshot()).toMatchObject({ failures: 9, window: { calls: 9, failures: 0 } });
    fail(breaker, 8);
    expect(breaker.state).toBe('closed');
    fail(breaker);
    expect(breaker.state).toBe('open');
  });

  it('does not open for calls that fail for reasons of their own, but for slow ones where that was asked for', () => {
    const { breaker } = fixture({ failureRate: 50, minimumCalls: 10, slowCallTime: 100, slowCallRate: 50 });
    for (let call = 0; call < 30; call += 1) breaker.failedAlone(5);
    expect(breaker.snapshot()).toMatchObject({ state: 'closed', failures: 30, window: { calls: 30, failures: 0 } });
    for (let call = 0; call < 30; call += 1) breaker.failedAlone(200);
    expect(breaker.snapshot()).toMatchObject({ state: 'open', slowCalls: 30 });
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

  it('opens at a rate of slow calls, even when they succeed', () => {
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

  it('replaces a probe that was given up, and one that never reports', async () => {
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

  it('lets no caller through while another caller makes the probe', async () => {
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
