import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What package.json asks for as a peer; test/mirrors holds the two together. */
export const TESTED_RANGE = '^3.20.0';
const OLDEST_MINOR = 20;

/** What a folder's package.json says. */
export function packageIn(folder: string): { readonly name: string; readonly version: string } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; version: string };
}

export const OWN_VERSION = packageIn(fileURLToPath(new URL('../..', import.meta.url))).version;

/** Whether a version of mysql2 is in the tested range. */
export function isTestedVersion(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)\.\d+$/.exec(version) ?? [];
  return Number(major) === 3 && Number(minor) >= OLDEST_MINOR;
}
