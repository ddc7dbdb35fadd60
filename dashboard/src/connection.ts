/** The page's connection to the server: tokens, and tRPC clients of this process and of others. */

import { createTRPCClient, httpLink, httpSubscriptionLink, splitLink, TRPCClientError } from '@trpc/client';
import { EventSource } from 'eventsource';
import type { MonitoringServerRouter } from '../../src/monitor/server/index.js';

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

/** The process whose server sent this page, or a place in its list of peers: it passes on what it is asked for those. */
export type Process = 'own' | number;

function urlOf(process: Process): string {
  return process === 'own' ? '/api/trpc' : `/api/peers/${process}/trpc`;
}

export type Client = ReturnType<typeof clientOf>;

/** Not the browser's own EventSource: that one sends no token but in a cookie, which other pages could use, too. */
export function clientOf(process: Process) {
  const url = urlOf(process);
  return createTRPCClient<MonitoringServerRouter>({
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
}

/** Why a process cannot be listened to: our server wants a token, the process wants another than our server has, or too many were wrong. */
export type Refusal = 'no' | 'token' | 'peer' | 'blocked' | 'unreachable';

export async function refusalOf(process: Process): Promise<Refusal> {
  const status = await statusOf(process);
  if (status === undefined) return 'unreachable';
  if (status === 429) return 'blocked';
  if (status !== 401) return 'no';
  return process !== 'own' && (await statusOf('own')) === 200 ? 'peer' : 'token';
}

async function statusOf(process: Process): Promise<number | undefined> {
  try {
    return (await fetch(`${urlOf(process)}/monitoring.capabilities`, { headers: headers() })).status;
  } catch {
    return undefined;
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof TRPCClientError || error instanceof Error) return error.message;
  return String(error);
}

/** The troubles that can be staged, on the page of the demo. */
export interface Troubles {
  readonly troubles: readonly { readonly name: string; readonly about: string; readonly pool: string }[];
  readonly running: string | null;
}

/** Asks the demo what can be staged, or stages one. Undefined: this server is not the demo, or does not answer. */
export async function demoTroubles(stage?: string): Promise<Troubles | undefined> {
  try {
    const path = stage === undefined ? '/demo/troubles' : `/demo/troubles/${stage}`;
    const answer = await fetch(path, { method: stage === undefined ? 'GET' : 'POST', headers: headers() });
    return answer.ok || answer.status === 409 ? ((await answer.json()) as Troubles) : undefined;
  } catch {
    return undefined;
  }
}
