import type { BreakerChange, BreakerSettings } from '../../../../src/resilience/breaker/breaker-types.js';
import { Breaker } from '../../../../src/resilience/breaker/breaker.js';
import { FakeClock } from '../../../engine/support/fake-clock.js';

export interface Fixture {
  readonly clock: FakeClock;
  readonly breaker: Breaker;
  readonly changes: BreakerChange[];
}

export function fixture(settings: BreakerSettings = {}, random = (): number => 0.5): Fixture {
  const clock = new FakeClock(1_000);
  const breaker = new Breaker(settings, { clock, random });
  const changes: BreakerChange[] = [];
  breaker.onChange((change) => changes.push(change));
  return { clock, breaker, changes };
}

export const down = Object.assign(new Error('nobody listens'), { code: 'ECONNREFUSED' });

export function fail(breaker: Breaker, times = 1): void {
  for (let time = 0; time < times; time += 1) breaker.failed(down, 0);
}
