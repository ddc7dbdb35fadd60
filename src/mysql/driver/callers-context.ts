/** Functions of callers that mysql2 calls: they run in their callers' own context and cannot disturb mysql2. */

import type { AsyncResource } from 'node:async_hooks';
import { inContext, thisContext, throwLater } from '../../engine/waiting/index.js';
import type { Command } from './driver.js';

/**
 * Has the callback of a command, its events and the functions in its options run in `context`, not where the socket happens to be. mysql2 calls the
 * callback in the middle of its work: what that throws ends in the process's own handler when the work is done, and not in mysql2, which would call
 * it once more and lose track of its connection.
 */
export function answerIn(context: AsyncResource, command: Command): void {
  const { onResult } = command;
  if (onResult !== undefined) command.onResult = apartFromDriver(onResult, context);
  // Also for its stream, which is fed by the command's events.
  command.emit = inContext(context, command.emit.bind(command));
  bindFunctions(context, command);
}

/** The same for the functions in the options of a command whose caller waits for a promise. */
export function bindFunctions(context: AsyncResource, command: Command): void {
  // mysql2's own copies of what the caller gave.
  const options = command._queryOptions ?? command._executeOptions;
  if (typeof options?.typeCast === 'function') options.typeCast = inContext(context, options.typeCast as never);
  if (typeof command._streamFactory === 'function') command._streamFactory = inContext(context, command._streamFactory);
}

/** Whether a command has functions of its caller's in its options. */
export function hasFunctions({ _queryOptions, _executeOptions, _streamFactory }: Command): boolean {
  return typeof (_queryOptions ?? _executeOptions)?.typeCast === 'function' || typeof _streamFactory === 'function';
}

type Callback = NonNullable<Command['onResult']>;

/** A callback whose throw ends in the process's own handler, in `context`; default: the one in which it is given. */
export function apartFromDriver(callback: Callback, context = thisContext()): Callback {
  return (...result) => {
    try {
      context.runInAsyncScope(callback, undefined, ...result);
    } catch (error) {
      throwLater(error);
    }
  };
}
