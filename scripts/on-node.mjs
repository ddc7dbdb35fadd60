// Runs a command on another line of Node: `npm run on-node -- 22 npx vitest run test/mysql`. Its binary comes as an npm package.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { arch, argv, env, pid, platform } from 'node:process';
import { npm, ROOT } from './install.mjs';
import { run } from './run.mjs';

/** Of each supported line, the one to try. */
const VERSIONS = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

const USAGE = `Usage: npm run on-node -- <${Object.keys(VERSIONS).join('|')}> <command> …`;

/** The folder of a line's binary; installed at the first use. */
async function folderOf(version) {
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const home = join(ROOT, '.cache', `node-${version}`);
  const binary = join(home, 'node_modules', name, 'bin/node');
  if (!existsSync(binary)) {
    // Under a name of its own until it is complete: others may be installing it, too.
    const temporary = `${home}.${pid}`;
    mkdirSync(temporary, { recursive: true });
    writeFileSync(join(temporary, 'package.json'), '{ "private": true }');
    const { code } = await npm([
      'install',
      '--prefix',
      temporary,
      '--ignore-scripts',
      '--prefer-offline',
      '--loglevel=error',
      `${name}@${version}`,
    ]);
    if (code !== 0) throw new Error(`The package ${name}@${version} could not be installed.`);
    try {
      renameSync(temporary, home);
    } catch (error) {
      if (!existsSync(binary)) throw error;
      rmSync(temporary, { recursive: true });
    }
  }
  return dirname(binary);
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
