import { readFileSync } from 'node:fs';

/** The version of what is installed in the root's node_modules under a name, which may not be its own. */
export function installedVersion(name: string): string {
  const file = new URL(`../../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
