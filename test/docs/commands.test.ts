import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseCall } from '../../src/cli/console/command.js';
import { commands } from '../../src/cli/commands/index.js';
import { createMonitoringRouter } from '../../src/monitor/api/router.js';
import { filesIn } from '../house/support/sources.js';
import { read, root } from './table-in.js';
import { SERVERS } from '../../scripts/servers/passes.mjs';

const PAGES: readonly string[] = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...filesIn('docs', /\.md$/),
  'examples/README.md',
].filter((page) => page.endsWith('.md') && page !== 'THIRD-PARTY-NOTICES.md');

const manifest = JSON.parse(read('package.json')) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};
const examples = JSON.parse(read('examples/package.json')) as { readonly scripts: Readonly<Record<string, string>> };

/** Every line of a shell block, and what stands in the text as a command of ours, without comments and without what it sets in the environment. */
const shown = PAGES.flatMap((page) => {
  const text = read(page);
  const lines = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].flatMap(([, block = '']) => block.split('\n'));
  const inline = [...text.matchAll(/`((?:UPDATE_DOCS=1 )?(?:npx|npm run|poolwright) [^`]+)`/g)].map(([, command = '']) => command);
  return [...lines, ...inline]
    .flatMap((line) => line.replace(/ +# .*/, '').split(' && '))
    .map((line) => line.trim().replace(/^(?:[A-Z_]+=(?:'[^']*'|\S+) +)+/, ''))
    .filter((line) => line !== '')
    .map((command) => ({ page, command }));
});

/** As a shell would split it. What stands for a value (`<limit>`, `[url]`) is left out. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|<[^>]*>|\[[^\]]*\]|(\S+)/g)].flatMap(([, quoted, plain]) => quoted ?? plain ?? []);

/** What is wrong with a command, if anything. */
function faultOf(command: string): string | undefined {
  const [program = '', ...words] = wordsOf(command);
  if (program === 'npm') return faultOfNpm(words);
  if (program === 'npx' && words[0] === 'vitest') return missing(words.slice(1).filter((word) => word.startsWith('test/')));
  if (program === 'npx' && words[0] === 'poolwright') return faultOfOurs(words.slice(1));
  if (program === 'poolwright') return faultOfOurs(words);
  if (program === 'node') return faultOfNode(words);
  if (program === 'curl') return faultOfUrl(words.at(-1) ?? '');
  return ['git', 'cd', 'export'].includes(program) ? undefined : 'an unknown program';
}

function faultOfNpm([verb = '', ...words]: readonly string[]): string | undefined {
  if (['init', 'ci', 'pack'].includes(verb)) return undefined;
  if (verb === 'install') {
    const known = ['poolwright', ...Object.keys(manifest.peerDependencies)];
    const unknown = words.filter((word) => !known.includes(word) && !word.endsWith('.tgz'));
    return unknown.length === 0 ? undefined : `installs ${unknown.join(', ')}`;
  }
  const script = verb === 'run' ? (words[0] ?? '') : verb;
  if (!(script in manifest.scripts) && !(script in examples.scripts)) return `there is no script ${script}`;
  const rest = words.slice(words.indexOf('--') + 1);
  if (script === 'test') return missing(withoutServer(rest));
  if (script === 'bench' && words.includes('--')) {
    const scenario = rest.find((word) => !word.startsWith('-'));
    const known = [...read('benchmarks/src/scenarios/index.ts').matchAll(/^ {2}'?([\w-]+)'?: async/gm)].map(([, name]) => name);
    return scenario === undefined || scenario === 'report' || known.includes(scenario) ? undefined : `there is no scenario ${scenario}`;
  }
  return undefined;
}

/** Without `--server`, when a server that there is follows. */
function withoutServer(words: readonly string[]): readonly string[] {
  return words[0] === '--server' && [...SERVERS, 'all'].includes(words[1] ?? '') ? words.slice(2) : words;
}

function faultOfOurs([name = '', ...words]: readonly string[]): string | undefined {
  const command = commands.find((one) => one.name === name);
  if (command === undefined) return `there is no command ${name}`;
  try {
    // A value that is left out, as in `--processes <n>`, is a number.
    parseCall(
      command,
      words.at(-1)?.startsWith('--') === true && needsValue(command.options, words.at(-1) ?? '') ? [...words, '1'] : words,
    );
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function needsValue(options: Readonly<Record<string, { readonly kind: string }>>, word: string): boolean {
  const option = options[word.slice(2)];
  return option !== undefined && option.kind !== 'flag';
}

function faultOfNode(words: readonly string[]): string | undefined {
  const imported = words[words.indexOf('--import') + 1];
  if (!words.includes('--import') || imported?.startsWith('.') === true) return undefined;
  return `.${(imported ?? '').slice('poolwright'.length)}` in manifest.exports ? undefined : `${imported} is not exported`;
}

function faultOfUrl(url: string): string | undefined {
  // A test of its own calls it.
  if (url.endsWith('/openapi.json')) return undefined;
  const procedure = /\/api\/trpc\/monitoring\.(\w+)$/.exec(url)?.[1] ?? '';
  return procedure in createMonitoringRouter({ pools: [], pgbouncer: false })._def.procedures ? undefined : `there is no ${procedure}`;
}

function missing(paths: readonly string[]): string | undefined {
  const gone = paths.filter((path) => !existsSync(`${root}${path}`));
  return gone.length === 0 ? undefined : `there is no ${gone.join(', ')}`;
}

describe('the commands that the documents show', () => {
  it('exist, with their options', () => {
    expect(shown.length).toBeGreaterThan(50);
    const wrong = shown.flatMap(({ page, command }) => {
      const fault = faultOf(command);
      return fault === undefined ? [] : [`${page}: ${command}: ${fault}`];
    });
    expect(wrong).toEqual([]);
  });

  it('are distinguished from commands that do not', () => {
    expect(faultOf('npx poolwright doctr')).toBe('there is no command doctr');
    expect(faultOf('npx poolwright doctor --proceses 12')).toContain('--processes');
    expect(faultOf('npm install poolwrigth')).toBe('installs poolwrigth');
    expect(faultOf('npm run bench -- nothing')).toBe('there is no scenario nothing');
    expect(faultOf('node --import poolwright/hook app.js')).toBe('poolwright/hook is not exported');
    expect(faultOf('rm -rf /')).toBe('an unknown program');
  });
});
