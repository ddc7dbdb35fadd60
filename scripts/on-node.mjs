// Runs a command on another line of Node: `npm run on-node -- 22 npx vitest run test/mysql`. Its binary comes as an npm package.
import { delimiter, dirname } from 'node:path';
import { arch, argv, env, platform } from 'node:process';
import { run } from './run.mjs';
import { npmBinary } from './runtimes/npm-binary.mjs';

/** Of each supported line, the one to try. */
const VERSIONS = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

const USAGE = `Usage: npm run on-node -- <${Object.keys(VERSIONS).join('|')}> <command> …`;

/** The folder of a line's binary; installed at the first use. */
async function folderOf(version) {
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  return dirname(await npmBinary(name, version, 'bin/node', `node-${version}`));
}

const [line, command, ...args] = argv.slice(2);
const version = VERSIONS[line];
if (version === undefined || command === undefined) {
  console.error(USAGE);
  process.exit(2);
}
try {
  const folder = await folderOf(version);
  const { code } = await run(command, args, { environment: { PATH: `${folder}${delimiter}${env.PATH ?? ''}` }, wholeGroup: true });
  process.exit(code);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
