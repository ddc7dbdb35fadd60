/** A reporter for vitest that writes what test.mjs reports. */
import { writeFileSync } from 'node:fs';
import { env } from 'node:process';

/** The environment variable with the path of the file to write. */
export const SUMMARY_PATH = 'POOLWRIGHT_TEST_SUMMARY';

/** What was thrown, on one line. A check that runs in its own processes gives its reasons after the first line. */
function oneLine({ message } = {}) {
  return String(message ?? 'no message')
    .replaceAll(/\s*\n\s*/g, ' | ')
    .slice(0, 1_500);
}

/** Failures that belong to no test: a file that cannot be loaded, a hook that throws. */
function errorsOutsideTests(testModule) {
  const file = testModule.relativeModuleId;
  const inSuites = [...testModule.children.allSuites()].flatMap((suite) =>
    suite.errors().map((error) => [`${file} > ${suite.fullName}`, error]),
  );
  const errors = [...testModule.errors().map((error) => [file, error]), ...inSuites];
  return errors.map(([name, error]) => ({ name, reason: oneLine(error) }));
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
    const failures = [
      ...having('failed').map(({ name, errors }) => ({ name, reason: oneLine(errors[0]) })),
      ...testModules.flatMap((testModule) => errorsOutsideTests(testModule)),
      ...unhandledErrors.map((error) => ({ name: 'an error that no test caught', reason: oneLine(error) })),
      ...having('pending').map(({ name }) => ({ name, reason: 'did not end' })),
      ...(reason === 'interrupted' ? [{ name: 'the run', reason: 'was interrupted' }] : []),
    ];
    const versions = testModules.map(({ project }) => project.getProvidedContext().server?.version);
    const summary = {
      serverVersion: versions.find((version) => version !== undefined),
      passed: having('passed').length,
      failures,
      skipped: having('skipped').map(({ name, note }) => ({ name, reason: note ?? 'no reason given' })),
    };
    writeFileSync(env[SUMMARY_PATH], JSON.stringify(summary));
  }
}
