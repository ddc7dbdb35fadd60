/** The lines of Node that Poolwright supports, each as the binary of one version. */
import { arch, platform } from 'node:process';
import { npmBinary } from './npm-binary.mjs';

/** Of each supported line, the version to try. */
const VERSIONS = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

export const NODE_LINES = Object.keys(VERSIONS);

/**
 * The path of a line's binary, which comes as an npm package; installed at the first use.
 *
 * @param {string} line one of NODE_LINES
 * @returns {Promise<string>}
 * @throws {Error} when npm cannot install it
 */
export async function nodeBinary(line) {
  const version = VERSIONS[line];
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  return await npmBinary(name, version, 'bin/node', `node-${version}`);
}
