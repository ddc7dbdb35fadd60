/** Bun and Deno, from the npm packages that hold their programs: the packages `bun` and `deno` download them in a script. */
import { arch, platform } from 'node:process';
import { npmBinary } from './npm-binary.mjs';

/** The versions that the tests run. */
export const RUNTIMES = { bun: '1.4.5', deno: '2.9.6' };

/** @typedef {keyof typeof RUNTIMES} Runtime */

const EXTENSION = platform === 'win32' ? '.exe' : '';

/** What a runtime's package is called on this machine, and where the program is in it. */
const PACKAGES = {
  bun: {
    name: `@oven/bun-${platform === 'win32' ? 'windows' : platform}-${arch === 'arm64' ? 'aarch64' : arch}`,
    file: `bin/bun${EXTENSION}`,
  },
  deno: { name: `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`, file: `deno${EXTENSION}` },
};

/**
 * The path of a runtime's program; installed at the first use.
 *
 * @param {Runtime} runtime
 * @returns {Promise<string>}
 * @throws {Error} when its package cannot be installed
 */
export function runtimeBinary(runtime) {
  const { name, file } = PACKAGES[runtime];
  const version = RUNTIMES[runtime];
  return npmBinary(name, version, file, `${runtime}-${version}`);
}
