import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink, TRPCClientError } from '@trpc/client';
import { EventSource } from 'eventsource';
import type { MonitoringServerRouter } from '../../src/monitor/server.js';

const TOKEN_KEY = 'poolwright-token';

/** For as long as this tab lives. */
export function token(): string | undefined {
  return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

export function setToken(value: string): void {
  if (value === '') sessionStorage.removeItem(TOKEN_KEY);
  else sessionStorage.setItem(TOKEN_KEY, value);
}

function headers(): Record<string, string> {
  const value = token();
  return value === undefined ? {} : { authorization: `Bearer ${value}` };
}

const url = '/api/trpc';

/** Not the browser's own EventSource: that one sends no token but in a cookie, which other pages could use, too. */
export const client = createTRPCClient<MonitoringServerRouter>({
  links: [
    splitLink({
      condition: ({ type }) => type === 'subscription',
      true: httpSubscriptionLink({
        url,
        EventSource,
        eventSourceOptions: { fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, ...headers() } }) },
      }),
      false: httpLink({ url, headers }),
    }),
  ],
});

/** Procedures that not every server has. */
export type OptionalProcedure = 'circuitBreakers' | 'cacheStats';

export async function optional(procedure: OptionalProcedure): Promise<unknown> {
  const response = await fetch(`${url}/monitoring.${procedure}`, { headers: headers() });
  const answer = (await response.json()) as { readonly result?: { readonly data: unknown } };
  return answer.result?.data;
}

/** Whether a server refused the token, or wants one. */
export async function isRefused(): Promise<'no' | 'token' | 'blocked' | 'unreachable'> {
  try {
    const { status } = await fetch(`${url}/monitoring.capabilities`, { headers: headers() });
    if (status === 401) return 'token';
    return status === 429 ? 'blocked' : 'no';
  } catch {
    return 'unreachable';
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof TRPCClientError || error instanceof Error) return error.message;
  return String(error);
}
