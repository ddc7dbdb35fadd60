import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BreakerState } from '../../../src/resilience/breaker/breaker-types.js';
import { Breaker } from '../../../src/resilience/breaker/breaker.js';
import { down } from './support/breaker-fixture.js';

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

describe('under any events', () => {
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
