import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

/** What another page, an image or a file is named by in HTML. */
const REFERENCE = /<(?:a|img|source)\b[^>]*?\s(?:href|src)="([^"]*)"/g;

/**
 * Follows every link of a built site. Files of the repository that pages link to, such as rules for Prometheus, are copied beside the pages.
 *
 * @param site - Folder of the built site.
 * @param repository - Folder that the pages' paths are relative to.
 * @returns A line for each link that leads nowhere: to no page, to no file, or to no heading of a page.
 */
export function deadLinksOf(site: string, repository: string): string[] {
  const pages = readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.html'))
    .map((name) => name.replaceAll('\\', '/'));
  const anchors = new Map(pages.map((page) => [page, anchorsOf(readFileSync(join(site, page), 'utf8'))]));
  return pages.flatMap((page) => {
    const html = readFileSync(join(site, page), 'utf8');
    const links = [...new Set([...html.matchAll(REFERENCE)].map(([, link = '']) => link.replaceAll('&amp;', '&')))];
    return links.filter((link) => !/^[a-z]+:|^\/\//i.test(link) && !leadsSomewhere(link, page)).map((link) => `${page}: ${link}`);
  });

  function leadsSomewhere(link: string, page: string): boolean {
    const [path = '', anchor = ''] = link.split('#').map(decodeURIComponent);
    const inFolder = path === '' ? page : path.startsWith('/') ? path.slice(1) : posix.join(posix.dirname(page), path);
    const target = inFolder === '.' || inFolder.endsWith('/') ? posix.join(inFolder, 'index.html') : inFolder;
    if (target.startsWith('..')) return false;
    const known = anchors.get(target);
    if (known !== undefined) return anchor === '' || known.has(anchor);
    if (isFile(join(site, target))) return true;
    if (!isFile(join(repository, target))) return false;
    mkdirSync(dirname(join(site, target)), { recursive: true });
    copyFileSync(join(repository, target), join(site, target));
    return true;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function anchorsOf(html: string): ReadonlySet<string> {
  return new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => id));
}
