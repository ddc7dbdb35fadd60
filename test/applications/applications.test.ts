/** The command that runs whole applications: what it takes, what it installs, and how it judges what it saw. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { APPLICATIONS } from './applications.js';
import { withSection } from './records.js';
import { isSound } from './report.js';
import type { Result, SideResult, StageResult } from './run.js';

const script = fileURLToPath(new URL('../../scripts/checks/applications.mjs', import.meta.url));

function call(...args: string[]): { readonly status: number | null; readonly stderr: string } {
  const { status, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' });
  return { status, stderr };
}

describe('the command', () => {
  it('refuses an application that it does not know, and names those that it knows', () => {
    const { status, stderr } = call('wordpress');
    expect(status).toBe(2);
    expect(stderr).toContain("There is no application 'wordpress'.");
    for (const { name } of APPLICATIONS) expect(stderr).toContain(`[${name}]`);
  });

  it.each([
    [['--server', 'postgres'], "--server must be mysql or mariadb; given: 'postgres'."],
    [['--quick'], "Unknown option '--quick'"],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = call(...args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain('Usage: npm run applications');
  });
});

describe.each(APPLICATIONS)('$title', ({ name, packages }) => {
  const text = readFileSync(new URL(`${name}/package.json`, import.meta.url), 'utf8');
  const { private: isPrivate, dependencies } = JSON.parse(text) as { private: boolean; dependencies: Record<string, string> };

  it('is installed in exact versions, and is never published', () => {
    expect(isPrivate).toBe(true);
    for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it('shows the version of each package that it names', () => {
    for (const dependency of Object.keys(dependencies)) expect(packages).toContain(dependency);
  });
});

describe('what is sound', () => {
  const stage: StageResult = {
    stage: 'server restarted 3 times',
    requests: 9,
    failed: 2,
    failedBefore: 1,
    failedDuring: 1,
    failedAfter: 0,
    awayMs: [900],
    recoveryMs: [5],
    longestMs: 20,
    ends: 0,
    tasks: 3,
    unfinished: 0,
    lost: [],
    doubled: [],
    broken: [],
    reasons: { 'HTTP 500': 2 },
  };
  const result = (under: Partial<StageResult>): Result => {
    const side = (seen: StageResult): SideResult => ({
      starts: [],
      stages: [seen],
      rssAfterMiB: 1,
      cpuSeconds: 1,
      notices: [],
      ending: '0',
    });
    const [application] = APPLICATIONS;
    if (application === undefined) throw new Error('There is no application.');
    const place = { date: '2026-01-01', node: '24', server: 'MariaDB' };
    return { application, versions: {}, place, without: side(stage), under: side({ ...stage, ...under }), patient: side(stage) };
  };

  it('is a run in which requests fail, and nothing that was acknowledged is lost or doubled', () => {
    expect(isSound(result({ failed: 4, ends: 1 }))).toBe(true);
  });

  it.each([{ lost: ['a'] }, { doubled: ['a'] }, { broken: ['a'] }, { tasks: 0 }])('is not one with %j', (seen) => {
    expect(isSound(result(seen))).toBe(false);
  });
});

describe('the page', () => {
  const page = '# Title\n\n<!-- applications: made by npm run applications with --record -->\n\n<!-- end of applications -->\n\n## After\n';

  it('has the section of each application that was run, in their order, and keeps the others', () => {
    const [first, second] = APPLICATIONS;
    if (first === undefined || second === undefined) throw new Error('There are not two applications.');
    const one = withSection(page, second.name, `### ${second.title}\n\nOld.`);
    const two = withSection(one, first.name, `### ${first.title}\n\nFirst.`);
    const three = withSection(two, second.name, `### ${second.title}\n\nNew.`);
    expect(three).toContain(`\n### ${first.title}\n\nFirst.\n\n### ${second.title}\n\nNew.\n\n<!-- end`);
    expect(three.endsWith('## After\n')).toBe(true);
    expect(three).not.toContain('Old.');
  });
});
