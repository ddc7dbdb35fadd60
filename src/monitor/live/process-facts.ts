/** Facts about this process: its id, host, version of Node and age. */

import { hostname } from 'node:os';

/** What distinguishes one process from another. */
export interface ProcessFacts {
  readonly pid: number;
  readonly host: string;
  readonly node: string;
  readonly upForMs: number;
}

export function processFacts(): ProcessFacts {
  return { pid: process.pid, host: hostname(), node: process.version, upForMs: Math.round(process.uptime() * 1000) };
}
