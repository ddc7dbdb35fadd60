/** The steps of the examination, and what a step finds. */

/** The steps of the examination, in their order. */
export const STEPS = [
  'url',
  'name',
  'tcp',
  'greeting',
  'tls',
  'certificate',
  'login',
  'privileges',
  'server',
  'proxy',
  'read-only',
  'max-connections',
  'wait-timeout',
  'prepared-statements',
  'clock',
  'session',
  'cancel',
  'latency',
  'fleet-budget',
  'fleet-count',
  'fleet-ledger',
  'redis',
  'pgbouncer',
] as const;

export type Step = (typeof STEPS)[number];

/** `fail`: it will not work, or will soon stop working. `warn`: it works, but an operator should look. `skip`: not tried, and why. */
export type FindingStatus = 'ok' | 'warn' | 'fail' | 'skip';

/** What one step found. Never holds a secret. */
export interface Finding<S extends string = Step> {
  readonly step: S;
  /** Of a cluster: the node that it is about, `host:port`. None: about all of them. */
  readonly node?: string;
  readonly status: FindingStatus;
  /** What was found, in words. */
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** An option to set, and why. */
export interface Recommendation {
  readonly option: string;
  readonly value: string | number;
  readonly why: string;
}

/** What the examination found, all in all. */
export interface Diagnosis<S extends string = Step> {
  /** `problems`: a finding is `fail`. `warnings`: one is `warn`. */
  readonly status: 'healthy' | 'warnings' | 'problems';
  readonly findings: readonly Finding<S>[];
  /** Steps that a problem in an earlier one made impossible. */
  readonly notTried: readonly S[];
  readonly recommendations: readonly Recommendation[];
}

/** Follows an examination while it runs. */
export interface Observer<S extends string = Step> {
  /** A step begins: what it waits for, in words. */
  begins(what: string): void;
  found(finding: Finding<S>): void;
}

/** What findings come to, all in all. */
export function wholeStatus(findings: readonly Pick<Finding, 'status'>[]): Diagnosis['status'] {
  if (findings.some(({ status }) => status === 'fail')) return 'problems';
  return findings.some(({ status }) => status === 'warn') ? 'warnings' : 'healthy';
}

/** The examination of the database ended early; its reason was reported as a finding. */
export class CannotContinue extends Error {}
