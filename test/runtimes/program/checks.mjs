/** The list of checks, and how one is run: each prints one line of JSON, no matter what the outcome is. */
import { strict as assert } from 'node:assert';
import { env } from 'node:process';

/** Where the server is, and the certificates. */
export const settings = JSON.parse(env.CONTRACT);

/** The options of a pool on the server, by TLS with the certificate authority that issued its certificate. */
export function connectionOptions(more = {}) {
  const { host, port, user, password, database, caCertificate } = settings;
  return { host, port, user, password, database, ssl: { ca: caCertificate }, ...more };
}

const checks = [];

/** Adds a check. Its name is the line of the table in docs/runtimes.md. */
export function check(name, run) {
  checks.push({ name, run });
}

/** Long enough for a busy machine: it only ends a check that hangs. */
const PATIENCE_MS = 45_000;

/** Runs all checks, one after the other. Returns whether all of them work. */
export async function runChecks() {
  let works = true;
  for (const { name, run } of checks) {
    let timer;
    const tooLong = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`It did not end in ${PATIENCE_MS} ms.`)), PATIENCE_MS);
    });
    const began = performance.now();
    const outcome = await Promise.race([run().then(() => ({ works: true })), tooLong]).catch((error) => ({
      works: false,
      error: `${error?.code ?? ''} ${error?.stack ?? error}`.trim(),
    }));
    clearTimeout(timer);
    works &&= outcome.works;
    console.log(JSON.stringify({ check: name, ...outcome, ms: Math.round(performance.now() - began) }));
  }
  return works;
}

/** The error that a promise is rejected with. By `await`, since not every runtime follows `then` when it makes a stack. */
export async function errorOf(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  return assert.fail(`It was not rejected, but gave ${JSON.stringify(value)?.slice(0, 100)}.`);
}

/** Asks again until the answer is the right one. */
export async function until(ask, isRight) {
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
