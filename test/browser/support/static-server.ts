import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** A host that knows nothing but files: what is in `folder`, below `prefix`. */
export async function serveFiles(folder: string, prefix: string): Promise<AsyncDisposable & { readonly url: string }> {
  const answer = async (url: string, response: ServerResponse): Promise<void> => {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    const file = path.endsWith('/') ? `${path}index.html` : path;
    const content = path.startsWith(prefix) ? await readFile(join(folder, file.slice(prefix.length))).catch(() => undefined) : undefined;
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': TYPES[extname(file)] ?? 'text/plain; charset=utf-8' });
    response.end(content);
  };
  const server = createServer(({ url = '/' }, response) => void answer(url, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
