/** Abort signals: whether a value is one, and one listener per signal for all that wait for it. */

import { callListener } from './throw-later.js';

/** All that wait for one signal, in order of arrival. */
class Listening {
  first: Link | undefined = undefined;
  last: Link | undefined = undefined;

  constructor(readonly callAll: () => void) {}
}

/** One that waits. */
class Link {
  previous: Link | undefined = undefined;
  next: Link | undefined = undefined;

  constructor(
    /** Undefined when it waits no longer. */
    public listening: Listening | undefined,
    readonly listener: () => void,
  ) {}
}

/** Whether `value` is an AbortSignal, of this realm or of another, or of a library. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function';
}

/**
 * A signal that aborts with the first of several. It listens to them only while it is listened to itself, so a signal that outlives the work
 * keeps no reference to it. `AbortSignal.any` leaves a trace in each of its sources, which Node never removes; and Node 20 holds the sources
 * weakly, so that one that nothing else holds, as that of `AbortSignal.timeout`, is collected and never aborts.
 */
export function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  return new CombinedSignal(signals) as unknown as AbortSignal;
}

class CombinedSignal {
  readonly #sources: readonly AbortSignal[];
  /** What foreign code listens to; made when it first does. */
  #heard: AbortController | undefined = undefined;
  readonly #listeners = new Set<unknown>();
  #unlink: (() => void) | undefined = undefined;

  constructor(sources: readonly AbortSignal[]) {
    this.#sources = sources;
  }

  get aborted(): boolean {
    return this.#first() !== undefined;
  }

  get reason(): unknown {
    return this.#first()?.reason;
  }

  throwIfAborted(): void {
    const first = this.#first();
    if (first !== undefined) throw first.reason;
  }

  addEventListener(type: string, listener: () => void, options?: { once?: boolean }): void {
    const heard = (this.#heard ??= new AbortController());
    heard.signal.addEventListener(type, listener, options);
    this.#listeners.add(listener);
    if (!this.aborted) this.#unlink ??= this.listen(() => heard.abort(this.reason));
  }

  removeEventListener(type: string, listener: () => void): void {
    this.#heard?.signal.removeEventListener(type, listener);
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#unlink?.();
    this.#unlink = undefined;
  }

  /** As {@link onAbort}. */
  listen(listener: () => void): () => void {
    const unlink = (): void => {
      for (const one of unlinks) one();
    };
    const unlinks = this.#sources.map((source) =>
      onAbort(source, () => {
        unlink();
        listener();
      }),
    );
    return unlink;
  }

  #first(): AbortSignal | undefined {
    for (const source of this.#sources) if (source.aborted) return source;
    return undefined;
  }
}

// Foreign code may ask a signal for its class.
Object.setPrototypeOf(CombinedSignal.prototype, AbortSignal.prototype);

/** One listener per signal, however many wait for it: Node warns of more than ten on one signal. */
const listening = new WeakMap<AbortSignal, Listening>();

/** Calls `listener` once when `signal` aborts, unless the returned function is called before. Precondition: it has not aborted. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal instanceof CombinedSignal) return signal.listen(listener);
  const all = listening.get(signal) ?? listenTo(signal);
  const link = new Link(all, listener);
  link.previous = all.last;
  if (all.last === undefined) all.first = link;
  else all.last.next = link;
  all.last = link;
  return () => {
    if (link.listening === undefined) return;
    leave(link, link.listening);
    if (all.first === undefined) stopListening(signal, all);
  };
}

function leave(link: Link, all: Listening): void {
  const { previous, next } = link;
  if (previous === undefined) all.first = next;
  else previous.next = next;
  if (next === undefined) all.last = previous;
  else next.previous = previous;
  link.listening = undefined;
  link.previous = undefined;
  link.next = undefined;
}

function listenTo(signal: AbortSignal): Listening {
  const all = new Listening(() => {
    listening.delete(signal);
    // One that is called may have others wait no longer.
    for (let link = all.first; link !== undefined; link = all.first) {
      leave(link, all);
      callListener(link.listener, undefined);
    }
  });
  // First: a signal that cannot be listened to must not be taken for one that is.
  signal.addEventListener('abort', all.callAll, { once: true });
  listening.set(signal, all);
  return all;
}

function stopListening(signal: AbortSignal, all: Listening): void {
  // It has aborted, and its listeners are being called.
  if (listening.get(signal) !== all) return;
  listening.delete(signal);
  callListener(() => signal.removeEventListener('abort', all.callAll), undefined);
}
