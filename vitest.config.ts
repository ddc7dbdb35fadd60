import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.js';

/** Test folders whose tests talk to servers; all others are the unit project's. */
const INTEGRATION = [
  'agents',
  'browser',
  'cache',
  'cli',
  'cluster',
  'contract',
  'demo',
  'deployment',
  'ecosystem',
  'examples',
  'faults',
  'fleet/ledgers',
  'fleet/pools',
  'fleet/real',
  'fuzz',
  'mirrors',
  'monitor',
  'mysql',
  'ops',
  'package',
  'probes',
  'recipes',
  'runtimes',
  'support',
  'telemetry',
].map((folder) => `test/${folder}/**/*.test.ts`);

/** Time-outs only end tests that hang: a busy machine may take many times as long as a quiet one. */
const PATIENCE_MS = 300_000;

export default defineConfig({
  test: {
    pool: 'forks',
    // On two processors: half of the time, a test waits for a server or for time to pass.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    coverage: { provider: 'v8', include: ['src/**'], reporter: ['text-summary', 'html', 'json-summary'] },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: INTEGRATION,
          // They share nothing but modules without state: each file would load them anew.
          isolate: false,
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
        },
      },
      {
        test: {
          name: 'integration',
          include: INTEGRATION,
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
        },
      },
    ],
  },
});
