import { inspect } from 'node:util';
import { expect } from 'vitest';
import { PoolError } from '../../../src/engine/contract/errors.js';

/** So many characters of a secret in a row are a leak. */
const LEAK_LENGTH = 5;

/** Expects `work` to throw `POOL_OPTION_INVALID`, with no part of any of the secrets anywhere in the error; returns the message. */
export function refusalOf(work: () => unknown, secrets: readonly string[] = []): string {
  try {
    work();
  } catch (error) {
    if (!PoolError.is(error)) throw error;
    expect(error.code).toBe('POOL_OPTION_INVALID');
    expect(leaksIn(error, secrets)).toEqual([]);
    return error.message;
  }
  throw new Error('It was accepted.');
}

/** I13: the parts of secrets that are in the message, the stack, the causes, or what inspecting the value shows. */
export function leaksIn(value: unknown, secrets: readonly string[]): readonly string[] {
  const shown = textOf(value);
  return secrets.flatMap(partsOf).filter((part) => shown.includes(part));
}

/** Everything that logging a value in one way or another may show. */
function textOf(value: unknown): string {
  const texts = [inspect(value, { depth: 12, showHidden: true, getters: true }), String(value)];
  for (let error = value; error instanceof Error; error = error.cause) texts.push(error.message, error.stack ?? '', jsonOf(error));
  return texts.join('\n');
}

function jsonOf(error: Error): string {
  try {
    return JSON.stringify(error);
  } catch {
    // The certificate in an error of TLS refers to itself.
    return '';
  }
}

function partsOf(secret: string): readonly string[] {
  const parts: string[] = [];
  for (let start = 0; start + LEAK_LENGTH <= secret.length; start += 1) parts.push(secret.slice(start, start + LEAK_LENGTH));
  return parts;
}
