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

/** Keeps the sources of a combined signal for as long as that lives. */
const sources = new WeakMap<AbortSignal, readonly AbortSignal[]>();

/**
 * A signal that aborts with the first of several. Node 20 holds the sources of `AbortSignal.any` weakly, and its listeners do not change that:
 * a source that nothing else holds, as that of `AbortSignal.timeout`, is collected and never aborts.
 */
export function anySignal(signals: readonly AbortSignal[]): AbortSignal {
  const combined = AbortSignal.any([...signals]);
  sources.set(combined, signals);
  return combined;
}

/** One listener per signal, however many wait for it: Node warns of more than ten on one signal. */
const listening = new WeakMap<AbortSignal, Listening>();

/** Calls `listener` once when `signal` aborts, unless the returned function is called before. Precondition: it has not aborted. */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
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
