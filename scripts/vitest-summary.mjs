/** A reporter for vitest that writes what test.mjs reports. */
import { writeFileSync } from 'node:fs';
import { env } from 'node:process';

/** The environment variable with the path of the file to write. */
export const SUMMARY_PATH = 'POOLWRIGHT_TEST_SUMMARY';

/** Failures that belong to no test: a file that cannot be loaded, a hook that throws. */
function errorsOutsideTests(testModule) {
  const suites = [testModule, ...testModule.children.allSuites()];
  return suites.reduce((sum, suite) => sum + suite.errors().length, 0);
}

/**
 * A reporter for vitest that writes what test.mjs wants to know into a file. The JSON reporter that vitest has leaves out the reasons of
 * skipped tests, and errors that no test caught.
 */
// oxlint-disable-next-line import/no-default-export -- this is how vitest loads a reporter
export default class VitestSummary {
  onTestRunEnd(testModules, unhandledErrors, reason) {
    const tests = testModules.flatMap((testModule) => [...testModule.children.allTests()]);
    const results = tests.map((test) => ({ name: `${test.module.relativeModuleId} > ${test.fullName}`, ...test.result() }));
    const having = (state) => results.filter((result) => result.state === state);
    const failedOutsideTests = testModules.reduce((sum, testModule) => sum + errorsOutsideTests(testModule), 0) + unhandledErrors.length;
    const unfinished = having('pending').length + (reason === 'interrupted' ? 1 : 0);
    const versions = testModules.map(({ project }) => project.getProvidedContext().server?.version);
    const summary = {
      serverVersion: versions.find((version) => version !== undefined),
      passed: having('passed').length,
      failed: having('failed').length + failedOutsideTests + unfinished,
      skipped: having('skipped').map(({ name, note }) => ({ name, reason: note ?? 'no reason given' })),
    };
    writeFileSync(env[SUMMARY_PATH], JSON.stringify(summary));
  }
}
