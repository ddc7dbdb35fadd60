// Runs a command on another line of Node: `npm run on-node -- 22 npx vitest run test/mysql`. Its binary comes as an npm package.
import { delimiter, dirname } from 'node:path';
import { argv, env } from 'node:process';
import { run } from './run.mjs';
import { NODE_LINES, nodeBinary } from './runtimes/node-lines.mjs';

const USAGE = `Usage: npm run on-node -- <${NODE_LINES.join('|')}> <command> …`;

const [line, command, ...args] = argv.slice(2);
if (!NODE_LINES.includes(line) || command === undefined) {
  console.error(USAGE);
  process.exit(2);
}
try {
  const folder = dirname(await nodeBinary(line));
  const { code } = await run(command, args, { environment: { PATH: `${folder}${delimiter}${env.PATH ?? ''}` }, wholeGroup: true });
  process.exit(code);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
