import { throwLater } from './throw-later.js';

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

/** One listener per signal, whatever the number of those who wait for it: Node warns of more than ten on one signal. */
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
  const tellAll = (): void => {
    listening.delete(signal);
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        throwLater(error);
      }
    }
  };
  const entry = { listeners, onAbort: tellAll };
  listening.set(signal, entry);
  signal.addEventListener('abort', tellAll, { once: true });
  return entry;
}

function stopListening(signal: AbortSignal): void {
  const entry = listening.get(signal);
  if (entry === undefined) return;
  signal.removeEventListener('abort', entry.onAbort);
  listening.delete(signal);
}
