import fc from 'fast-check';
import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Abortion, PromiseWaiter, WaitQueue } from '../../../src/engine/queue/wait-queue.js';

type AnyWaiter = PromiseWaiter<string>;

function newWaiter(): AnyWaiter {
  return new PromiseWaiter<string>(() => undefined);
}

function inOrder(queue: WaitQueue<string>): AnyWaiter[] {
  const waiters: AnyWaiter[] = [];
  for (let waiter = queue.first; waiter !== undefined; waiter = waiter.behind) waiters.push(waiter as AnyWaiter);
  return waiters;
}

describe('WaitQueue', () => {
  it('I3: keeps the order of arrival, no matter who is taken out', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 60 }), (steps) => {
        const queue = new WaitQueue<string>();
        const model: AnyWaiter[] = [];
        const gone: AnyWaiter[] = [];
        for (const step of steps) {
          if (step === undefined || model.length === 0) {
            const waiter = newWaiter();
            queue.push(waiter);
            model.push(waiter);
          } else {
            const [waiter] = model.splice(step % model.length, 1) as [AnyWaiter];
            queue.remove(waiter);
            gone.push(waiter);
          }
          expect(gone.every(({ ahead, behind }) => ahead === undefined && behind === undefined)).toBe(true);
          expect(queue.size).toBe(model.length);
          expect(queue.first).toBe(model[0]);
          expect(inOrder(queue)).toEqual(model);
        }
      }),
    );
  });
});

describe('PromiseWaiter', () => {
  it('a deadline that passes after it has left the queue does nothing', () => {
    const waiter = newWaiter();
    expect(waiter.owner).toBeUndefined();
    expect(() => waiter.expire(0)).not.toThrow();
  });
});

describe('Abortion', () => {
  it('passes the reason on, once, and leaves no listener', () => {
    const controller = new AbortController();
    const reasons: unknown[] = [];
    const abortion = new Abortion(controller.signal, (reason) => reasons.push(reason));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort('enough');
    expect(reasons).toEqual(['enough']);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    abortion.unlink();
  });

  it('unlinked, it hears nothing', () => {
    const controller = new AbortController();
    const reasons: unknown[] = [];
    new Abortion(controller.signal, (reason) => reasons.push(reason)).unlink();
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    controller.abort('enough');
    expect(reasons).toEqual([]);
  });
});
