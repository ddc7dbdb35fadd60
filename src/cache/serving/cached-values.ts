/** A channel on which tracers learn of values that the cache answered, to callers who are no statements of a pool. */
import { channel } from 'node:diagnostics_channel';
import { performance } from '../../engine/waiting/index.js';
import type { CacheRequest } from './request.js';

/** A value that the cache answered, published in its caller's context when the answer is there. Keys are left out: they may say who asked. */
export interface CachedValue {
  /** The name of the cache. */
  readonly cache: string;
  /** The text of the statement whose result it is, where that is known. */
  readonly query: string | undefined;
  readonly from: 'memory' | 'redis' | 'coalesced';
  /** By `performance.now()`. */
  readonly startedAt: number;
  /** Only of a loading that was shared and failed. */
  readonly error: unknown;
}

const cachedValues = channel('poolwright:cache:value');

/** Whose value is asked for. */
interface Asked {
  readonly cache: string;
  readonly query?: string | undefined;
}

/** Answers a request, and says where the answer came from; nothing where nothing listens, or where the caller has loaded it itself. */
export function tellingTracers(
  { cache, query }: Asked,
  request: CacheRequest,
  answer: (request: CacheRequest) => Promise<unknown>,
): Promise<unknown> {
  if (!cachedValues.hasSubscribers) return answer(request);
  const trace: NonNullable<CacheRequest['trace']> = { from: undefined };
  const startedAt = performance.now();
  const tell = (error: unknown): void => {
    const { from } = trace;
    if (from !== undefined) cachedValues.publish({ cache, query, from, startedAt, error } satisfies CachedValue);
  };
  return traced(answer({ ...request, trace }), tell);
}

async function traced(answer: Promise<unknown>, tell: (error: unknown) => void): Promise<unknown> {
  try {
    const value = await answer;
    tell(undefined);
    return value;
  } catch (error) {
    tell(error);
    throw error;
  }
}
