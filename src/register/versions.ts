/** The versions of mysql2 that Poolwright is tested with, and its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The peer range in package.json; a test in test/mirrors compares the two. */
export const TESTED_RANGE = '^3.20.0';
const OLDEST_MINOR = 20;

/** The name and the version in a folder's package.json. */
export function packageIn(folder: string): { readonly name: string; readonly version: string } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string };
}

export const OWN_VERSION = packageIn(fileURLToPath(new URL('../..', import.meta.url))).version;

/** Whether a version of mysql2 is in the tested range. */
export function isTestedVersion(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+$/.exec(version) ?? [];
  return Number(major) === 3 && Number(minor) >= OLDEST_MINOR;
}
