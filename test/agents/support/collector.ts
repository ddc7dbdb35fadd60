/** A server on this machine that takes what agents send, in the place of their vendors' services. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** What an agent has sent. */
export interface Sent {
  readonly path: string;
  readonly body: Buffer;
}

/** A server that answers as the agents expect. */
export interface Collector extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly sent: readonly Sent[];
}

/** What Instana's agent would answer; the others read no answer. */
function answerTo({ method, url = '' }: IncomingMessage, body: Buffer): unknown {
  if (url.endsWith('nodejs.discovery')) return { pid: (JSON.parse(body.toString()) as { pid: number }).pid, agentUuid: 'here' };
  return method === 'POST' && url.includes('instana') ? [] : { version: '1' };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

/** Starts a collector on a free port of the loopback interface. */
export async function startCollector(): Promise<Collector> {
  const sent: Sent[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      sent.push({ path: request.url ?? '', body });
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answerTo(request, body)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    sent,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
