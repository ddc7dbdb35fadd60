import { type DoctorSettings, examine } from '../../../src/cli/doctor/doctor.js';
import type { Diagnosis, Finding, Step } from '../../../src/cli/doctor/finding.js';

/** What the doctor finds, quietly. */
export function diagnose(target: string, settings: Partial<DoctorSettings> = {}): Promise<Diagnosis> {
  return examine(
    { target, processes: 1, replica: false, timeoutMs: 60_000, environment: {}, ...settings },
    { begins: () => undefined, found: () => undefined },
  );
}

/** What is not fine. */
export function troubles({ findings }: Diagnosis): readonly Finding[] {
  return findings.filter(({ status }) => status === 'fail' || status === 'warn');
}

/** What one step found. */
export function findingOf({ findings }: Diagnosis, step: Step): Finding | undefined {
  return findings.find((finding) => finding.step === step);
}
