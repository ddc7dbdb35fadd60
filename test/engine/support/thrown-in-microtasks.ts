/**
 * Collects what is thrown later, which would end the process: the engine throws it in a microtask of its own, and Node reports it at once. Returns a
 * function that restores the process's own handlers.
 */
export function catchThrownInMicrotasks(thrown: unknown[]): () => void {
  const handlers = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const collect = (error: unknown): void => void thrown.push(error);
  process.on('uncaughtException', collect);
  return () => {
    process.off('uncaughtException', collect);
    for (const handler of handlers) process.on('uncaughtException', handler);
  };
}
