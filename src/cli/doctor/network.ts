/** Steps name and tcp: resolves the host and connects to its addresses. */

import { once } from 'node:events';
import { statSync } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { performance } from '../../engine/waiting/index.js';
import { codeOf, messageOf } from '../../engine/index.js';
import type { Endpoint } from '../../mysql/index.js';
import { shown } from '../console/index.js';
import { CannotContinue, type Finding } from './finding.js';

type Report = (finding: Finding) => void;

/** More addresses than this are not tried: a service name may have hundreds. */
const MOST_ADDRESSES = 8;

/** The addresses to connect to. @throws CannotContinue */
export async function resolveName({ host, socketPath }: Endpoint, report: Report): Promise<readonly string[]> {
  const found = (message: string): void => report({ step: 'name', status: 'ok', message });
  const failed = (message: string, advice: string): never => {
    report({ step: 'name', status: 'fail', message, advice });
    throw new CannotContinue();
  };
  if (socketPath !== undefined) {
    if (statSync(socketPath, { throwIfNoEntry: false })?.isSocket() !== true) {
      failed(
        `there is no socket at ${socketPath}`,
        'Check the setting "socket" of the server, and whether the file is mounted into this container.',
      );
    }
    found(`the socket ${socketPath} is there`);
    return [];
  }
  if (isIP(host) !== 0) {
    found(`${host} is an address, so there is no name to resolve`);
    return [host];
  }
  try {
    const addresses = [...new Set((await lookup(host, { all: true })).map(({ address }) => address))];
    found(`${host} is ${addresses.join(', ')}`);
    return addresses.slice(0, MOST_ADDRESSES);
  } catch (error) {
    const code = codeOf(error);
    const advice =
      code === 'ENOTFOUND'
        ? 'Check the spelling of the host; in Kubernetes, also its namespace (service.namespace.svc); in a VPN or VPC, check whether its DNS zone is visible from here.'
        : 'The resolver did not answer. Check /etc/resolv.conf and the route to the DNS server.';
    return failed(`the name ${host} cannot be resolved (${code})`, advice);
  }
}

/** A socket to the first address that accepts; the others are tried too. @throws CannotContinue */
export async function connectTcp(endpoint: Endpoint, addresses: readonly string[], timeoutMs: number, report: Report): Promise<Socket> {
  const { port, socketPath } = endpoint;
  if (socketPath !== undefined) {
    const attempt = await tryConnect({ path: socketPath }, timeoutMs);
    if (attempt.socket !== undefined) {
      report({ step: 'tcp', status: 'ok', message: `the socket accepted in ${shown(attempt.tookMs)}` });
      return attempt.socket;
    }
    report({
      step: 'tcp',
      status: 'fail',
      message: `${socketPath}: ${attempt.reason}`,
      advice: 'Nothing listens on the socket. Is the server running?',
    });
    throw new CannotContinue();
  }
  const attempts = await Promise.all(
    addresses.map(async (address) => ({ address, ...(await tryConnect({ host: address, port }, timeoutMs)) })),
  );
  const accepted = attempts.filter(({ socket }) => socket !== undefined);
  const [first, ...others] = accepted;
  for (const { socket } of others) socket?.destroy();
  for (const { address, socket, code, reason } of attempts) {
    if (socket !== undefined) continue;
    const status = first === undefined ? 'fail' : 'warn';
    report({ step: 'tcp', status, message: `${address} port ${port}: ${reason}`, advice: adviceFor(code, first === undefined) });
  }
  if (first?.socket === undefined) throw new CannotContinue();
  report({
    step: 'tcp',
    status: 'ok',
    message: accepted.map((one) => `${one.address} port ${port} accepted in ${shown(one.tookMs)}`).join(', '),
  });
  return first.socket;
}

interface Attempt {
  readonly socket: Socket | undefined;
  readonly tookMs: number;
  readonly code: string;
  readonly reason: string;
}

async function tryConnect(
  to: { readonly host: string; readonly port: number } | { readonly path: string },
  timeoutMs: number,
): Promise<Attempt> {
  const startedAt = performance.now();
  const socket = connect(to);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
    return { socket, tookMs: performance.now() - startedAt, code: '', reason: '' };
  } catch (error) {
    socket.on('error', () => undefined).destroy();
    const timedOut = error instanceof Error && error.name === 'AbortError';
    const code = timedOut ? 'ETIMEDOUT' : codeOf(error);
    const reason = timedOut ? `no answer within ${timeoutMs} ms` : `${WORDS[code] ?? messageOf(error)} (${code})`;
    return { socket: undefined, tookMs: performance.now() - startedAt, code, reason };
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  EHOSTUNREACH: 'there is no route to this host',
  ENETUNREACH: 'there is no route to this network',
  ECONNRESET: 'the connection was reset at once',
};

function adviceFor(code: string, isOnly: boolean): string {
  if (!isOnly)
    return 'Another address accepts connections. Clients that try this address first lose time. Remove it from DNS, or make it reachable.';
  switch (code) {
    case 'ECONNREFUSED':
      return 'The machine answers, but nothing listens on this port. Is the server running? Is the port correct? Does the server listen on this address (bind-address)?';
    case 'ETIMEDOUT':
      return 'Packets are dropped on the way. Check firewalls, security groups, network policies, and routes between here and the server.';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'Check the routes of this machine. Is the VPN or the network peering up?';
    default:
      return 'Check the network between here and the server.';
  }
}
