/** Six tracing agents over each kind of pool: every span has the parent that its request gave it, and none is missing or double. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import manifest from './package.json' with { type: 'json' };
import { createProject, type Project } from '../mirrors/support/project.js';
import { createDatabase, type TestDatabase } from '../support/servers/database.js';
import { type Agent, AGENTS, type Span } from './support/agents.js';
import { startCollector } from './support/collector.js';
import { Traces } from './support/traces.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** On which lines of Node the agents run: one by default, others by name, such as `20,22,24,26`. */
const LINES = (process.env['POOLWRIGHT_TEST_NODES'] ?? '24').split(',');

const OWN = ['mysql2', 'mysql2/promise'];
const OURS = ['poolwright/mysql2', 'poolwright/mysql2/promise', 'createPool', 'pool.pool of createPool'];

const HOOK = ['--import', 'poolwright/register'];

/** In which order an agent and the hook are loaded. What `--require` names is loaded before what `--import` names. */
const ORDERS: Readonly<Record<string, (agent: Agent) => readonly string[]>> = {
  'required, then the hook': (agent) => [...flags('--require', [...agent.required, `./${agent.file}`]), ...HOOK],
  'imported before the hook': (agent) => [...flags('--import', [...agent.imported, `./${agent.file}`]), ...HOOK],
  'imported after the hook': (agent) => [...HOOK, ...flags('--import', [...agent.imported, `./${agent.file}`])],
};

function flags(flag: string, names: readonly string[]): string[] {
  return names.flatMap((name) => [flag, name]);
}

let project: Project;
let database: TestDatabase;

beforeAll(async () => {
  project = await createProject();
  database = await createDatabase();
  await cp(join(ROOT, 'test/agents/support'), project.folder, { recursive: true });
  for (const name of [...Object.keys(manifest.devDependencies), '@instana/core']) {
    const nested = join(ROOT, 'test/agents/node_modules', name);
    const link = join(project.folder, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(existsSync(nested) ? nested : join(ROOT, 'node_modules', name), link);
  }
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await project[Symbol.asyncDispose]();
});

/** Runs the application under an agent, once for each door. */
async function trace(line: string, agent: Agent, options: readonly string[], doors: readonly string[]): Promise<Traces> {
  await using collector = await startCollector();
  const command = [join(ROOT, 'scripts/on-node.mjs'), line, 'node', ...options, 'application.mjs', ...doors];
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, TEST_URL: database.url(), POOLWRIGHT_QUIET: '1', ...agent.environment?.(collector) };
  const child = spawn(process.execPath, command, { cwd: project.folder, env });
  let printed = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`It ended with ${code}: ${complaints}`);
  const { spans, calledOut } = JSON.parse(printed.trim().split('\n').at(-1) ?? '') as { spans: Span[]; calledOut: string[] };
  expect({ calledOut }).toEqual({ calledOut: [] });
  return new Traces(agent.spansIn?.(collector.sent) ?? spans);
}

const RUNS = LINES.flatMap((line) => AGENTS.map((agent) => ({ line, agent, name: agent.name })));

describe.each(RUNS)('$name on Node $line', ({ line, agent }) => {
  const { since, waits = false, marksErrors } = agent;

  beforeEach(({ skip }) => skip(Number(line) < since, `${agent.packageName} needs Node ${since} or later.`));

  it("sees each request's statements in mysql2's pools, the mirrors and createPool", async () => {
    const traces = await trace(line, agent, flags('--require', [...agent.required, `./${agent.file}`]), [...OWN, ...OURS]);
    for (const [place, door] of [...OWN, ...OURS].entries()) {
      const parents = agent.rightInMysql2 || !OWN.includes(door);
      expect({ door, problems: traces.problems(place, { parents, waits, marksErrors }) }).toEqual({ door, problems: [] });
    }
    // One request loads for all.
    expect(traces.requestsWith('cached_read')).toEqual([expect.stringMatching(/^d4_r\d+$/)]);
  });

  it.each(Object.keys(ORDERS))('sees them under the hook, %s', async (order) => {
    const traces = await trace(line, agent, ORDERS[order]?.(agent) ?? [], OWN);
    for (const [place, door] of OWN.entries())
      expect({ door, problems: traces.problems(place, { parents: true, waits, marksErrors }) }).toEqual({ door, problems: [] });
  });
});

it.each(AGENTS)('$name supports the Node that its package names, and no older one', async ({ packageName, since }) => {
  const { engines } = JSON.parse(await readFile(join(project.folder, 'node_modules', packageName, 'package.json'), 'utf8')) as {
    readonly engines: { readonly node: string };
  };
  expect(engines.node.split(/[ .]/)[0]).toBe(`>=${since}`);
});
