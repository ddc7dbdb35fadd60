import type { Scenario } from '../scenario.js';
import { acquire } from './acquire.js';

export const scenarios: readonly Scenario[] = [acquire];

export function scenarioNamed(name: string): Scenario {
  const scenario = scenarios.find((candidate) => candidate.name === name);
  if (scenario === undefined) throw new Error(`Unknown scenario ${name}; there are: ${scenarios.map((one) => one.name).join(', ')}.`);
  return scenario;
}
