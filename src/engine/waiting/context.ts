/** Asynchronous contexts (AsyncLocalStorage): the root context for a pool's own work, and callers' contexts for callers' functions. */

import { AsyncResource } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';

const root = rootResource();

/**
 * Calls `work` where no request's stores are: not those of a tracer, not a deadline. A socket, a timer and a promise that are made there keep no
 * request alive, and what they call runs there too.
 */
export function inRootContext<T>(work: () => T): T {
  return root.runInAsyncScope(work);
}

/** Remembers the context of its caller, in about 100 bytes. `AsyncResource.bind` and `AsyncLocalStorage.snapshot` take a hundred times as long. */
export function thisContext(): AsyncResource {
  return new AsyncResource('POOLWRIGHT');
}

type AnyFunction = (...parameters: never[]) => unknown;
/** As an AsyncResource takes it. */
type Run = (this: unknown, ...parameters: unknown[]) => unknown;

/** A function that runs in `context`, with `this` as it is called. */
export function inContext<F extends AnyFunction>(context: AsyncResource, callback: F): F {
  return function (this: unknown, ...parameters: never[]): unknown {
    return context.runInAsyncScope(callback as unknown as Run, this, ...parameters);
  } as F;
}

/** A function that runs where it was given, not where the socket or another caller happens to be. */
export function inThisContext<F extends AnyFunction>(callback: F): F {
  return inContext(thisContext(), callback);
}

type Listener = AnyFunction & { listener?: unknown };
type AddListener = (this: EventEmitter, event: string | symbol, listener: Listener) => EventEmitter;

/** What an emitter calls while a listener is added or removed. */
const OF_LISTENERS: ReadonlySet<string | symbol> = new Set(['newListener', 'removeListener']);

/**
 * Has the listeners of an emitter, or of all emitters with this prototype, run in the contexts in which they were added. `off` and `listeners` know
 * them by the functions that were given, as Node knows those of `once`.
 *
 * @param bind makes the function that runs a listener where it was added
 */
export function keepContextOfListeners(emitter: EventEmitter, bind: <F extends AnyFunction>(listener: F) => F = inThisContext): void {
  const { on, prependListener } = emitter as unknown as Record<'on' | 'prependListener', AddListener>;
  for (const [name, add] of Object.entries({ on, addListener: on, prependListener })) {
    define(emitter, name, function (event, listener) {
      return addListener(this, add, event, listener, () => (OF_LISTENERS.has(event) ? listener : bind(listener)));
    });
  }
  for (const [name, add] of Object.entries({ once: on, prependOnceListener: prependListener })) {
    define(emitter, name, function (event, listener) {
      return addListener(this, add, event, listener, () => once(this, event, bind(listener)));
    });
  }
}

function once(emitter: EventEmitter, event: string | symbol, listener: Listener): Listener {
  const own = function (this: unknown, ...details: never[]): unknown {
    emitter.removeListener(event, own as Run);
    return Reflect.apply(listener, this, details);
  };
  return own;
}

/** In the root context: an emitter that passes on what another emits adds a listener of its own there, and not for its first listener only. */
function addListener(emitter: EventEmitter, add: AddListener, event: string | symbol, given: Listener, own: () => Listener): EventEmitter {
  // Node refuses what is no function.
  const listener = typeof given === 'function' ? own() : given;
  if (listener !== given) listener.listener = given.listener ?? given;
  inRootContext(() => Reflect.apply(add, emitter, [event, listener]));
  return emitter;
}

function define(emitter: EventEmitter, name: string, value: AddListener): void {
  Object.defineProperty(emitter, name, { configurable: true, writable: true, value });
}

/**
 * Node has no root context to ask for, and this file may be loaded inside a request. An AsyncResource has its context as properties of its own with
 * symbols for names: each store (Node 20 and 22), or one frame of all stores (24 and later). Without them it is of the root context.
 */
function rootResource(): AsyncResource {
  const resource = new AsyncResource('POOLWRIGHT_ROOT');
  for (const name of Object.getOwnPropertySymbols(resource)) {
    if (name.description?.includes('async_id') !== true) Reflect.set(resource, name, undefined);
  }
  return resource;
}
