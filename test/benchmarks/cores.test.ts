/** Whether the server and the contestants of a benchmark can be kept on different cores. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { SERVER_SETTINGS, settingsOnOwnCores } from '../../benchmarks/src/runner/server-settings.js';
import { coresOf, dividedCores, halvesOf, keepOn, placementText } from '../../benchmarks/src/conditions/cores.js';

test('the allowed cores are divided, and the contestants get the odd one', () => {
  expect(halvesOf([0, 1])).toEqual({ contestants: '0', server: '1' });
  expect(halvesOf([0, 1, 2, 3, 8])).toEqual({ contestants: '0,1,2', server: '3,8' });
  expect(halvesOf([2, 5])).toEqual({ contestants: '2', server: '5' });
});

test('one core cannot be divided, and the report says so', () => {
  expect(halvesOf([3])).toBeUndefined();
  expect(placementText(undefined)).toContain('cannot be divided');
  expect(placementText(halvesOf([0, 1, 2, 3, 8]))).toBe('contestants on cores 0, 1, 2, server on cores 3, 8');
});

test('MariaDB has one group of threads for each core that is its own; MySQL and shared cores keep the default', () => {
  expect(settingsOnOwnCores('mariadb', halvesOf([0, 1, 2, 3, 8]))).toEqual([
    ...SERVER_SETTINGS,
    '--thread-handling=pool-of-threads',
    '--thread-pool-size=2',
  ]);
  expect(settingsOnOwnCores('mariadb', undefined)).toEqual(SERVER_SETTINGS);
  expect(settingsOnOwnCores('mysql', halvesOf([0, 1]))).toEqual(SERVER_SETTINGS);
});

test('a process is kept on its cores', async ({ skip }) => {
  const divided = dividedCores();
  if (divided === undefined) return skip('this machine has one core, or no taskset');
  const child = spawn(process.execPath, ['--eval', 'process.stdin.resume()']);
  await once(child, 'spawn');
  try {
    keepOn(divided.server, child.pid as number);
    expect(coresOf(child.pid as number).join(',')).toBe(divided.server);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
