import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { inRootContext, inThisContext, keepContextOfListeners } from '../../../src/engine/waiting/context.js';

const store = new AsyncLocalStorage<string | number | undefined>();

describe('the root context', () => {
  it('has no store, also in what is begun there', async () => {
    const seen = await store.run('a request', () =>
      inRootContext(async () => {
        const first = store.getStore();
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        return [first, store.getStore()];
      }),
    );
    expect(seen).toEqual([undefined, undefined]);
  });

  it.each(['a request', 7])('has none, either, when Poolwright is loaded inside a request: %s', async (value) => {
    vi.resetModules();
    const other = new AsyncLocalStorage<string>();
    const { inRootContext: inRoot } = await other.run('a tracer', () =>
      store.run(value, () => import('../../../src/engine/waiting/context.js')),
    );
    expect(inRoot).not.toBe(inRootContext);
    const seen = other.run('a later tracer', () => store.run('a later request', () => inRoot(() => [store.getStore(), other.getStore()])));
    expect(seen).toEqual([undefined, undefined]);
  });

  it('is left at the end, also by a throw', () => {
    store.run('a request', () => {
      expect(() =>
        inRootContext(() => {
          throw new Error('within');
        }),
      ).toThrow('within');
      expect(store.getStore()).toBe('a request');
    });
  });
});

describe('a function that runs where it was given', () => {
  it('keeps what it is called with', () => {
    const seen = store.run('a request', () =>
      inThisContext(function (this: unknown, ...parameters: unknown[]) {
        return [this, parameters, store.getStore()];
      }),
    );
    expect(store.run('another', () => Reflect.apply(seen, 'this', [1, 2]))).toEqual(['this', [1, 2], 'a request']);
  });
});

class Emitter extends EventEmitter {}
keepContextOfListeners(Emitter.prototype);

describe('listeners', () => {
  it.each(['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'] as const)('run where they were added: %s', (method) => {
    const emitter = new Emitter();
    const seen: unknown[] = [];
    const listener = function (this: unknown, ...details: unknown[]): void {
      seen.push([store.getStore(), this === emitter, details]);
    };
    store.run('who added it', () => emitter[method]('event', listener));
    expect(emitter.listeners('event')).toEqual([listener]);
    store.run('who emits it', () => emitter.emit('event', 1, 2));
    expect(seen).toEqual([['who added it', true, [1, 2]]]);
    expect(emitter.listenerCount('event')).toBe(method.toLowerCase().includes('once') ? 0 : 1);
  });

  it.each(['on', 'once'] as const)('are taken out by the function that was given: %s', (method) => {
    const emitter = new Emitter();
    const listener = (): void => undefined;
    const removed: unknown[] = [];
    emitter.on('removeListener', (_, one) => removed.push(one));
    emitter[method]('event', listener);
    emitter.off('event', listener);
    expect([emitter.listenerCount('event'), removed]).toEqual([0, [listener]]);
  });

  it('that are no functions are refused as Node refuses them', () => {
    expect(() => new Emitter().on('event', 'text' as never)).toThrow(TypeError);
    expect(() => new Emitter().once('event', undefined as never)).toThrow(TypeError);
  });
});
