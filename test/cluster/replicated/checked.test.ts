import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { chosenKind } from '../../support/sql-servers/kinds.js';

const script = fileURLToPath(new URL('../../../scripts/checks/check-cluster.mjs', import.meta.url));

/** A writer that moves in order, one that is lost and comes back as a writer, and a replica that is held up. */
const FAULTS = 'planned switch,writer stopped and replaced,replica held up';

it('four processes see what they wrote, and lose nothing that was acknowledged, while the writer moves and replicas are late', async () => {
  const parameters = ['--seconds', '10', '--seed', '7', '--server', chosenKind(), '--only', FAULTS];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, ...parameters]);
  expect(stderr).toBe('');
  const report = JSON.parse(stdout) as { readonly broken: number; readonly writes: { readonly acknowledged: number } };
  expect(report.broken).toBe(0);
  expect(report.writes.acknowledged).toBeGreaterThan(0);
});
