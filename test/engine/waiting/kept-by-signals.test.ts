import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { anySignal, onAbort } from '../../../src/engine/waiting/abort.js';
import { withDeadline } from '../../../src/resilience/deadline/index.js';

/** What Node's signals keep of others that were made from them. */
function dependantsOf(signal: AbortSignal): number {
  const symbol = Object.getOwnPropertySymbols(signal).find((one) => String(one).includes('kDependantSignals'));
  return symbol === undefined ? 0 : ((signal as unknown as Record<symbol, Set<unknown> | undefined>)[symbol]?.size ?? 0);
}

describe('a signal that outlives the work', () => {
  it('keeps nothing of the signals that were made from it', async () => {
    const { signal } = new AbortController();
    const own = new AbortController();
    for (let count = 0; count < 100; count += 1) {
      const stop = onAbort(anySignal([signal, own.signal]), () => {});
      stop();
      await withDeadline(own.signal, () => withDeadline(signal, (deadline) => deadline.signal.aborted));
    }
    expect(dependantsOf(signal)).toBe(0);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('is still heard by what listens', async () => {
    const outer = new AbortController();
    const inner = new AbortController();
    await withDeadline(outer.signal, () =>
      withDeadline(inner.signal, async (deadline) => {
        const heard = new Promise((resolve) => {
          deadline.signal.addEventListener('abort', () => resolve(deadline.signal.reason), { once: true });
        });
        outer.abort('gone');
        expect(await heard).toBe('gone');
      }),
    );
  });
});
