/** The machine that a soak ran on, and where its results are kept. */
import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** From the compiled file, in `.cache/soak/test/soak`. */
export const RESULTS = new URL('../../../../benchmarks/results/', import.meta.url);

export function machineOf(): Readonly<Record<'date' | 'node' | 'processor' | 'mysql2', string>> & { cores: number; memoryGiB: number } {
  const processors = cpus();
  const driver = JSON.parse(readFileSync(new URL('../../node_modules/mysql2/package.json', RESULTS), 'utf8')) as { version: string };
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    mysql2: driver.version,
  };
}
