/** Runs applications without the hook and under it, through three faults, and compares what they said with what their tables have. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerKind } from '../support/sql-servers/kinds.js';
import { APPLICATIONS } from './applications.js';
import { recordSection } from './records.js';
import { isSound, sectionOf } from './report.js';
import { runApplication } from './run.js';

/** What the script gives. */
export interface Order {
  readonly root: string;
  readonly node: string;
  readonly nodeVersion: string;
  readonly names: readonly string[];
  readonly server: ServerKind;
  readonly record: boolean;
}

const { root, node, nodeVersion, names, server, record } = JSON.parse(process.argv[2] ?? '') as Order;
for (const name of names) {
  const application = APPLICATIONS.find((one) => one.name === name);
  if (application === undefined) throw new Error(`bug: no application is called ${name}.`);
  const folder = join(root, '.cache/applications', name);
  const logs = join(folder, 'logs');
  rmSync(logs, { recursive: true, force: true });
  console.log(`${application.title} takes some minutes. What it writes is in ${logs}`);
  const result = await runApplication(application, { node, nodeVersion, folder, logs }, server);
  const section = sectionOf(result);
  console.log(`\n${section}`);
  writeFileSync(join(logs, 'result.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  if (!isSound(result)) process.exitCode = 1;
  if (record) recordSection(root, name, section);
}
