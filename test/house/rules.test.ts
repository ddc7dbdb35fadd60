/** The rules of this folder, tried on what they must refuse. */
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';
import { root } from '../docs/table-in.js';
import { circlesOf } from './support/circles.js';
import { exportedNamesOf } from './support/exported-names.js';
import { type Import, importsOf } from './support/imports.js';
import { refusalOf } from './support/layer-rules.js';
import { firstSentenceOf } from './support/sources.js';

/** What a file with this text gives, read from its path. */
async function of<T>(text: string, answer: (path: string) => T): Promise<T> {
  await using folder = createTemporaryFolder('poolwright-house');
  const path = join(folder.path, 'some-file.ts');
  writeFileSync(path, text);
  return answer(relative(root, path));
}

function refusal(from: string, imported: Partial<Import>): string | undefined {
  return refusalOf({ from, line: 3, specifier: '…', to: undefined, packageName: undefined, typeOnly: false, ...imported });
}

describe('an import is refused', () => {
  it.each([
    { from: 'src/engine/pool.ts', to: 'src/mysql/index.ts', words: 'engine is proven without a driver' },
    { from: 'src/mysql/pools/pool.ts', to: 'src/monitor/server/index.ts', words: 'mysql runs in the process of every user' },
    { from: 'src/mysql/pools/pool.ts', to: 'src/engine/pool.ts', words: 'Enter engine by src/engine/index.ts' },
    { from: 'src/engine/waiting/abort.ts', to: 'src/engine/lending/index.ts', words: 'lending is above waiting' },
    { from: 'src/engine/lending/lender.ts', to: 'src/engine/waiting/abort.ts', words: 'Import from src/engine/waiting/index.ts' },
    { from: 'src/engine/waiting/abort.ts', to: 'src/engine/pool.ts', words: 'the files beside the wings of engine stand on them' },
    { from: 'src/telemetry/otel.ts', to: 'src/cache/serving/index.ts', words: 'telemetry reads' },
    { from: 'src/register/register.ts', to: 'src/mysql/drop-in.ts', words: 'register builds on the mysql2 of the application' },
    { from: 'dashboard/src/app.tsx', to: 'src/monitor/live/index.ts', words: 'runs in a browser' },
  ])('$from of $to, with the reason and the fix', ({ from, to, words }) => {
    expect(refusal(from, { to })).toMatch(new RegExp(`^${from}:3 imports .*${words}`));
  });

  it.each([
    { from: 'src/mysql/pools/pool.ts', packageName: 'mysql2', typeOnly: true, words: 'Only src/mysql/driver/driver.ts imports it' },
    { from: 'src/monitor/api/router.ts', packageName: 'mysql2', typeOnly: true, words: 'only the file of the driver imports mysql2' },
    { from: 'src/monitor/server/server.ts', packageName: 'fastify', typeOnly: false, words: 'load it by requirePeer' },
    { from: 'src/telemetry/otel.ts', packageName: 'fastify', typeOnly: true, words: 'it serves nothing' },
    { from: 'src/engine/pool.ts', packageName: 'lodash', typeOnly: true, words: 'engine is proven without a driver' },
  ])('$from of the package $packageName', ({ from, packageName, typeOnly, words }) => {
    expect(refusal(from, { packageName, typeOnly })).toContain(words);
  });

  it('never when the table allows it', () => {
    expect(refusal('src/mysql/pools/pool.ts', { to: 'src/engine/index.ts' })).toBeUndefined();
    expect(refusal('src/telemetry/otel.ts', { to: 'src/cache/serving/index.ts', typeOnly: true })).toBeUndefined();
    expect(refusal('src/mysql/driver/driver.ts', { packageName: 'mysql2' })).toBeUndefined();
    expect(refusal('src/monitor/server/server.ts', { packageName: 'fastify', typeOnly: true })).toBeUndefined();
    expect(refusal('src/engine/lending/lender.ts', { to: 'src/engine/waiting/index.ts' })).toBeUndefined();
  });
});

describe('imports', () => {
  it('are found in every form', async () => {
    const text = [
      "import 'a';",
      "import { b } from 'b/sub';",
      "import type { C } from '@c/c/sub';",
      "import { type D } from 'd';",
      "export { e } from 'e';",
      "export * from 'f';",
      "type G = import('g').G;",
      "const h = import('h');",
      "const i = require('i');",
      "const j = requirePeer('j', 'this');",
      "import 'node:fs';",
      "import type { K } from './k.js';",
    ].join('\n');
    const found = await of(text, (path) => importsOf([path]));
    expect(found.map(({ packageName, typeOnly }) => [packageName, typeOnly])).toEqual([
      ['a', false],
      ['b', false],
      ['@c/c', true],
      ['d', true],
      ['e', false],
      ['f', false],
      ['g', true],
      ['h', false],
      ['i', false],
      ['j', true],
      [undefined, false],
      [undefined, true],
    ]);
    expect(found.map(({ line }) => line)).toEqual(text.split('\n').map((_, index) => index + 1));
  });

  it('that lead round are circles, each found once', () => {
    const arrows = ['ab', 'bc', 'ca', 'cd', 'de', 'ed', 'ff'].map((arrow) => [arrow.charAt(0), arrow.charAt(1)] as const);
    expect(circlesOf(arrows)).toEqual([
      ['d', 'e'],
      ['a', 'b', 'c'],
    ]);
  });
});

describe('the first sentence of a file', () => {
  it.each([
    ['/** A queue of waiters. */\nimport {} from "a";', 'A queue of waiters.'],
    ['/**\n * A queue\n * of e.g. waiters. It is fast.\n */\n\nconst a = 1;', 'A queue of e.g. waiters.'],
    ['#!/usr/bin/env node\n// The command. Nothing else.\nimport "a";', 'The command.'],
    ['/** A queue.\n *\n * @param a - no. */\nexport class Queue {}', 'A queue.'],
  ])('of %j is %j', async (text, sentence) => {
    expect(await of(text, firstSentenceOf)).toBe(sentence);
  });

  it.each([
    'import {} from "a";\n/** A queue of waiters. */',
    '/** A queue of waiters */\nimport {} from "a";',
    '/** How long it waits. */\nconst LIMIT = 1;',
    '/** @param a - no. */\nexport class Queue {}',
    '',
  ])('of %j is missing', async (text) => {
    expect(await of(text, firstSentenceOf)).toBeUndefined();
  });
});

describe('exported names', () => {
  it('are those that a file declares, once each, and none that it passes on', async () => {
    const text = [
      'export const a = 1, { b, c: [d] } = x;',
      'export function e(): void {}',
      'export type F = 1;',
      'export const F = 1;',
      'export { g } from "g";',
      'class H {}',
      'class I {}',
      'export { H };',
      'export interface J {}',
    ].join('\n');
    const names = await of(text, (path) => exportedNamesOf([path]));
    expect(names.map(({ name }) => name)).toEqual(['a', 'b', 'd', 'e', 'F', 'H', 'J']);
  });
});
