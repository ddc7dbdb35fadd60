interface Listening {
  readonly listeners: Set<() => void>;
  readonly onAbort: () => void;
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
    for (const listener of listeners) listener();
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
