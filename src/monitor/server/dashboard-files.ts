/** The files of the built dashboard, each compressed when a browser first asks for it. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** A file of the dashboard, ready to be sent. */
export interface DashboardFile {
  /** Under which it is asked for: '/', '/assets/index-1a2b3c.js'. */
  readonly path: string;
  readonly type: string;
  /** The content in this coding. It is compressed at the first request, off the main thread, and kept. */
  readonly body: (coding: Coding) => Promise<Buffer>;
}

export type Coding = 'br' | 'gzip' | 'identity';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** In the package, the page is beside this module. In the repository, where tests run the sources, it is in the build. */
const FOLDERS = ['../dashboard/', '../../dashboard/', '../../../dist/dashboard/'];

/** The built dashboard, all of it; nothing when it was not built. */
export function dashboardFiles(): readonly DashboardFile[] {
  const folder = FOLDERS.map((path) => fileURLToPath(new URL(path, import.meta.url))).find((path) => existsSync(`${path}index.html`));
  if (folder === undefined) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'));
  return names
    .filter((name) => TYPES[extname(name)] !== undefined)
    .map((name) => ({
      path: name === 'index.html' ? '/' : `/${name}`,
      type: TYPES[extname(name)] as string,
      body: compressed(readFileSync(folder + name)),
    }));
}

/** Brotli's highest quality takes nearly a second and saves only a few per cent more. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
const toBrotli = promisify(brotliCompress) as (content: Buffer, options: typeof BROTLI) => Promise<Buffer>;
const toGzip = promisify(gzip) as (content: Buffer) => Promise<Buffer>;

function compressed(content: Buffer): DashboardFile['body'] {
  const bodies: Partial<Record<Coding, Promise<Buffer>>> = { identity: Promise.resolve(content) };
  return (coding) => (bodies[coding] ??= coding === 'br' ? toBrotli(content, BROTLI) : toGzip(content));
}

/** The best coding that the client accepts. Of the weights in `Accept-Encoding` only zero matters. */
export function codingFor(header: string | undefined): Coding {
  const taken = (header ?? '').split(',').map((part) => part.trim().toLowerCase());
  const takes = (coding: string): boolean =>
    taken.some((part) => part === coding || (part.startsWith(`${coding};`) && !/q=0(?:\.0*)?$/.test(part)));
  if (takes('br')) return 'br';
  return takes('gzip') ? 'gzip' : 'identity';
}
