/** One line for each place that leaks and each minute. */

import { describe, expect, it } from 'vitest';
import type { Borrowed } from '../../../src/engine/index.js';
import { LeaksByPlace } from '../../../src/mysql/observation/leaks-by-place.js';
import { FakeClock } from '../../engine/support/fake-clock.js';

function leak(id: number, place: string): Borrowed {
  return { id, heldMs: 5_000, description: `connection ${id}`, place };
}

describe('leaks of one place', () => {
  it('have a line at once, and then one in each minute with their count', async () => {
    const clock = new FakeClock(0);
    const lines: string[] = [];
    const leaks = new LeaksByPlace(({ id, place }, count) => lines.push(`${place} #${id} ×${count}`), clock);
    for (let id = 1; id <= 40; id += 1) leaks.note(leak(id, 'orders/report.ts:42'));
    leaks.note(leak(41, 'mail/send.ts:7'));
    expect(lines).toEqual(['orders/report.ts:42 #1 ×1', 'mail/send.ts:7 #41 ×1']);
    await clock.advance(60_000);
    expect(lines.slice(2)).toEqual(['orders/report.ts:42 #40 ×39']);
    for (let id = 50; id <= 52; id += 1) leaks.note(leak(id, 'orders/report.ts:42'));
    await clock.advance(60_000);
    expect(lines.slice(3)).toEqual(['orders/report.ts:42 #52 ×3']);
    await clock.advance(600_000);
    leaks.note(leak(60, 'orders/report.ts:42'));
    expect(lines.slice(4)).toEqual(['orders/report.ts:42 #60 ×1']);
  });

  it('of more places than a program has share one line', () => {
    const lines: string[] = [];
    const leaks = new LeaksByPlace(({ place = '' }) => lines.push(place), new FakeClock(0));
    for (let id = 0; id < 500; id += 1) leaks.note(leak(id, `generated/${id}.js:1`));
    expect(lines).toHaveLength(101);
  });
});
