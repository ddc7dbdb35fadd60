/** What has ended the process in a program: uncaught exceptions, unhandled rejections. */
export interface Uncaught extends Disposable {
  readonly errors: readonly unknown[];
}

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/** Takes the place of the test runner's own handlers until it is disposed of. For tests in which such errors are expected. */
export function captureUncaught(): Uncaught {
  const errors: unknown[] = [];
  const note = (error: unknown): void => void errors.push(error);
  const others = EVENTS.map((event) => ({ event, listeners: process.listeners(event as 'uncaughtException') }));
  for (const event of EVENTS) {
    process.removeAllListeners(event);
    process.on(event, note);
  }
  return {
    errors,
    [Symbol.dispose]() {
      for (const { event, listeners } of others) {
        process.removeListener(event, note);
        for (const listener of listeners) process.on(event as 'uncaughtException', listener);
      }
    },
  };
}
