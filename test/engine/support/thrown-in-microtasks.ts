/**
 * Collects what functions given to `queueMicrotask` throw, which would end the process. Returns a function that restores the
 * original.
 */
export function catchThrownInMicrotasks(thrown: unknown[]): () => void {
  const original = globalThis.queueMicrotask;
  globalThis.queueMicrotask = (callback) => {
    original(() => {
      try {
        callback();
      } catch (error) {
        thrown.push(error);
      }
    });
  };
  return () => {
    globalThis.queueMicrotask = original;
  };
}
