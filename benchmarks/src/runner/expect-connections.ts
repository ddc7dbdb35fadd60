import { setTimeout as sleep } from 'node:timers/promises';
import type { Questions } from '../scenario.js';

/** Long enough for connections that were closed a moment ago to leave the server's list. */
const SETTLE_MS = 5_000;

/** @throws Error when the server, which is asked, keeps counting another number of connections */
export async function expectConnections(contestant: string, ask: Questions, expected: number): Promise<void> {
  const patientUntil = performance.now() + SETTLE_MS;
  for (;;) {
    const found = await ask.connections();
    if (found === expected) return;
    if (performance.now() > patientUntil)
      throw new Error(
        `'${contestant}' should have ${expected} connections, but the server counts ${found}: it is not set up like the others.`,
      );
    await sleep(20);
  }
}
