/** An HAProxy that leads to the server that takes writes, as operators set it up: a small web server beside each database says whether it does. */
import { createServer } from 'node:http';
import { listen } from '../network/listen.js';
import type { ReplicatedNode } from '../replication/replicated-node.js';
import { startHaProxy } from './haproxy.js';
import type { ProxyProcess } from './proxy-process.js';

/** What HAProxy asks for a server's health: 200 while it takes writes, else 503. */
async function startHealthDoor(node: ReplicatedNode): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((_, response) => {
    void node.admin('SELECT @@GLOBAL.read_only AS readOnly').then(
      ([row]) => response.writeHead(Number(row?.['readOnly']) === 0 ? 200 : 503).end(),
      () => response.writeHead(503).end(),
    );
  });
  const port = await listen(server);
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Starts it in front of nodes, of which one takes writes. It ends the connections to a server that takes none any more. */
export async function startWritersHaProxy(nodes: readonly ReplicatedNode[]): Promise<ProxyProcess> {
  const doors = await Promise.all(nodes.map((node) => startHealthDoor(node)));
  const proxy = await startHaProxy(nodes, {
    // On a busy machine an answer may take long.
    defaults: ['timeout check 60s'],
    backend: ['option httpchk GET /'],
    server: (index) => `check port ${doors[index]?.port} inter 200 fall 1 rise 1 on-marked-down shutdown-sessions`,
  });
  return Object.assign(proxy, {
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await Promise.all(doors.map((door) => door[Symbol.asyncDispose]()));
    },
  });
}
