import type { ReplicatedAddresses } from '../../scenario.js';
import type { Row } from '../lender.js';

/** The usual way with a source and replicas: writes go here, reads there. */
export interface ReadWritePool {
  write(sql: string, values: readonly unknown[]): PromiseLike<unknown>;
  read(sql: string, values: readonly unknown[]): PromiseLike<unknown>;
  /** What `read` came to. */
  rowsOf(result: unknown): readonly Row[];
  close(): Promise<unknown>;
}

export interface ReadWriteSettings {
  readonly servers: ReplicatedAddresses;
  /** Connections to each server. */
  readonly limit: number;
  /** How current reads must be, for contestants with such an option. */
  readonly consistency: 'session' | 'eventual';
}

export type OpenReadWritePool = (settings: ReadWriteSettings) => Promise<ReadWritePool>;

export function rowsOf(result: unknown): readonly Row[] {
  return (result as [Row[]])[0];
}
