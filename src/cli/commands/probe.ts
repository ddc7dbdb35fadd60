/** The commands health and metrics: ask a running process once. */

import type { PoolVerdict } from '../../monitor/verdict/index.js';
import { type CommandSpec, type CommandOption, defineCommand, EXIT, MonitoringAddress } from '../console/index.js';

/** Where a running process shows its monitoring, for all commands that ask one. */
export const addressOptions = {
  address: {
    kind: 'text',
    value: 'URL',
    about: 'The monitoring address of the running process (default POOLWRIGHT_ADDRESS, otherwise http://127.0.0.1:9464).',
  },
  timeout: { kind: 'number', value: 'MS', min: 100, max: 600_000, default: 5_000, about: 'How long an answer may take, in milliseconds.' },
} as const satisfies Record<string, CommandOption>;

const TOKEN_NOTE = 'If the address requires a token, set it in POOLWRIGHT_TOKEN.';

export const health: CommandSpec = defineCommand({
  name: 'health',
  summary: 'Asks a running process whether its pools can serve. The exit code is the answer, for container probes.',
  notes: ['Exit code 0: ready. 1: not ready (a pool is unhealthy or draining). 3: no process answers.', TOKEN_NOTE],
  operands: [],
  options: { ...addressOptions, live: { kind: 'flag', about: 'Only ask whether the process is up (/healthz).' } },
  async run({ values, terminal, environment }) {
    const process = new MonitoringAddress(values.address, environment, values.timeout);
    const { status, body } = await process.get(values.live ? '/healthz' : '/readyz', [503]);
    const answer = JSON.parse(body) as { readonly pools?: readonly ShownReadiness[] };
    if (terminal.json) terminal.sayJson({ ok: status === 200, ...answer });
    else {
      terminal.say(status === 200 ? (values.live ? 'up' : 'ready') : 'not ready');
      // Whether the process is up says nothing about its pools.
      for (const { pool = 'a pool', status: state, problems, verdict } of values.live ? [] : (answer.pools ?? [])) {
        const words = problems.map(({ name, message }) => (message === undefined ? name : `${name}: ${message}`)).join('; ');
        terminal.say(`  ${pool}: ${state}${words === '' ? '' : ` (${words})`}`);
        if (state !== 'healthy' && verdict !== undefined) {
          terminal.say(`    ${verdict.headline}`);
          if (verdict.advice !== null) terminal.say(`    > ${verdict.advice}`);
        }
      }
    }
    return status === 200 ? EXIT.ok : EXIT.failed;
  },
});

interface ShownReadiness {
  readonly pool?: string;
  readonly status: string;
  readonly problems: readonly { readonly name: string; readonly message?: string }[];
  /** Absent without a token, and in the answer of an older version. */
  readonly verdict?: PoolVerdict;
}

export const metrics: CommandSpec = defineCommand({
  name: 'metrics',
  summary: "Prints the metrics of a running process in Prometheus' text format; with --json, as a list of samples.",
  notes: [TOKEN_NOTE],
  operands: [],
  options: addressOptions,
  async run({ values, terminal, environment }) {
    const process = new MonitoringAddress(values.address, environment, values.timeout);
    const { body } = await process.get('/metrics');
    if (terminal.json) terminal.sayJson(samplesOf(body));
    else terminal.say(body.trimEnd());
    return EXIT.ok;
  },
});

interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** JSON has no infinity and no NaN: those are text. */
  readonly value: number | string;
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function samplesOf(exposition: string): ParsedSample[] {
  return exposition.split('\n').flatMap((line) => {
    const [, name, labels = '', text] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || text === undefined) return [];
    const value = Number(text);
    return [{ name, labels: labelsOf(labels), value: Number.isFinite(value) ? value : text }];
  });
}

function labelsOf(text: string): Record<string, string> {
  const unescaped: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };
  return Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [
      name,
      value.replaceAll(/\\(.)/g, (_, letter: string) => unescaped[letter] ?? letter),
    ]),
  );
}
