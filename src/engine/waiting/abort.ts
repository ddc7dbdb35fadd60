/** Abort signals: whether a value is one, and one listener per signal for all that wait for it. */

import { callListener } from './throw-later.js';

interface Listening {
  readonly listeners: Set<() => void>;
  readonly onAbort: () => void;
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
  const { listeners } = listening.get(signal) ?? listenTo(signal);
  // A function of this call's own: the same listener may be given twice.
  const own = (): void => listener();
  listeners.add(own);
  return () => {
    if (listeners.delete(own) && listeners.size === 0) stopListening(signal);
  };
}

function listenTo(signal: AbortSignal): Listening {
  const listeners = new Set<() => void>();
  const callListeners = (): void => {
    listening.delete(signal);
    for (const listener of listeners) callListener(listener, undefined);
  };
  const entry = { listeners, onAbort: callListeners };
  // First: a signal that cannot be listened to must not be taken for one that is.
  signal.addEventListener('abort', callListeners, { once: true });
  listening.set(signal, entry);
  return entry;
}

function stopListening(signal: AbortSignal): void {
  const entry = listening.get(signal);
  if (entry === undefined) return;
  listening.delete(signal);
  callListener(() => signal.removeEventListener('abort', entry.onAbort), undefined);
}
