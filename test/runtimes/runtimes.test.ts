import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateAuthority } from '../../src/demo/certificates.js';
import { createTemporaryFolder } from '../../src/demo/temporary-folder.js';
import { tableIn } from '../docs/table-in.js';
import { createStage, findRuntimes, type Runtime, type Stage } from './support/runtimes.js';

/** What the program prints of a check. */
interface Checked {
  readonly check: string;
  readonly works: boolean;
  readonly error?: string;
}

/** What is known to fail, by the runtime's name; docs/runtimes.md says why. A busy machine may hide it. */
const KNOWN_TO_FAIL: Readonly<Record<string, readonly string[]>> = {
  Deno: ['streams over TLS: a slow reader holds the server back'],
};
const isKnown = ({ name }: Runtime, check: string): boolean => KNOWN_TO_FAIL[name]?.includes(check) === true;

/** By the runtime's name: what its contract came to. */
const outcomes = new Map<string, readonly Checked[]>();
const runtimes = await findRuntimes();
const stages = new Map<Runtime, Stage>();

beforeAll(async () => {
  const folder = createTemporaryFolder('poolwright-authority');
  const { certificate } = await createCertificateAuthority(join(folder.path, 'other'));
  await folder.remove();
  // Each has a database of its own: they run side by side.
  for (const runtime of runtimes) stages.set(runtime, await createStage(certificate));
});
afterAll(() => Promise.all([...stages.values()].map((stage) => stage[Symbol.asyncDispose]())));

function stageOf(runtime: Runtime): Stage {
  const stage = stages.get(runtime);
  if (stage === undefined) throw new Error(`There is no stage for ${runtime.name}.`);
  return stage;
}

describe.concurrent.each(runtimes)('on $name $version', (runtime) => {
  it('the contract holds', async ({ skip }) => {
    skip(runtime.missing !== undefined, runtime.missing);
    const { code, stdout, stderr } = await stageOf(runtime).run(runtime, 'contract.mjs');
    const checked = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Checked);
    const failed = checked.filter(({ works }) => !works);
    expect(failed.filter(({ check }) => !isKnown(runtime, check))).toEqual([]);
    expect({ code, stderr }).toMatchObject({ code: failed.length === 0 ? 0 : 1 });
    outcomes.set(runtime.name, checked);
  });

  it('the hook manages the pools of an application that knows only mysql2', async ({ skip }) => {
    skip(runtime.missing !== undefined, runtime.missing);
    const ending = await stageOf(runtime).run(runtime, 'unchanged.mjs', runtime.hook);
    expect(ending).toMatchObject({ code: 0, stdout: '{"byDefault":true,"byName":true,"byRequire":true,"callbacks":true}\n' });
    const without = await stageOf(runtime).run(runtime, 'unchanged.mjs');
    expect(without.stdout).toBe('{"byDefault":false,"byName":false,"byRequire":false,"callbacks":false}\n');
  });

  it('a program that leaves its pool open ends', async ({ skip }) => {
    skip(runtime.missing !== undefined, runtime.missing);
    expect(await stageOf(runtime).run(runtime, 'ends.mjs')).toMatchObject({ code: 0, stdout: 'answered\n' });
  });

  it('SIGTERM drains, and what runs gets its answer', async ({ skip }) => {
    skip(runtime.missing !== undefined, runtime.missing);
    const service = stageOf(runtime).start(runtime, 'terminated.mjs');
    await expect.poll(() => service.stdout, { timeout: 60_000 }).toBe('ready\n');
    service.kill('SIGTERM');
    expect(await service.ended).toMatchObject({ code: 0, stdout: 'ready\nanswered 0\ndrained true\n' });
  });
});

describe('loaded by import() inside a request', () => {
  // As docs/runtimes.md says: Deno keeps the request's context.
  it.for(runtimes)('$name', async (runtime, { skip }) => {
    skip(runtime.missing !== undefined, runtime.missing);
    const { stdout } = await stageOf(runtime).run(runtime, 'late.mjs');
    expect(stdout).toBe(runtime.name === 'Deno' ? 'request\n' : 'nothing\n');
  });
});

it('docs/runtimes.md lists every check', ({ skip }) => {
  const absent = runtimes.find(({ missing }) => missing !== undefined);
  skip(absent !== undefined, absent?.missing);
  const checks = outcomes.get('Node') ?? [];
  const works = ({ name }: Runtime, check: string): boolean => outcomes.get(name)?.some((one) => one.check === check && one.works) === true;
  const mark = (runtime: Runtime, check: string): string => (works(runtime, check) && !isKnown(runtime, check) ? 'works' : 'fails');
  const rows = checks.map(({ check }) => `| ${[check, ...runtimes.map((runtime) => mark(runtime, check))].join(' | ')} |`);
  const heads = runtimes.map(({ name, version }) => `${name} ${version}`.trim());
  const made = [`\n\n| check | ${heads.join(' | ')} |`, `|${' --- |'.repeat(runtimes.length + 1)}`, ...rows, '\n'].join('\n');
  const table = tableIn(
    'docs/runtimes.md',
    '<!-- checks: made by the runs; UPDATE_DOCS=1 npx vitest run test/runtimes writes it -->',
    '<!-- end of checks -->',
    made,
  );
  expect(table).toBe(made);
});
