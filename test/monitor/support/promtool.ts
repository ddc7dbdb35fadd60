import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { requireExecutable } from '../../../src/demo/find-executable.js';

/** What `promtool check metrics` has to say of an exposition; nothing when it is valid and well named. */
export async function complaintsOf(exposition: string): Promise<string> {
  const command = await requireExecutable('promtool', ['prometheus']);
  const child = spawn(command, ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(exposition);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  const words = `${out}${err}`.trim();
  return code === 0 ? words : `exit code ${code}: ${words}`;
}
