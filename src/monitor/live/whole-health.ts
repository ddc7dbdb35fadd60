/** The health of a pool as page, procedures, probes and commands show it: its own, and what is wrong around it. */

import { type Health, wordsOf } from '../../mysql/index.js';
import type { ListedBreaker } from '../../telemetry/index.js';
import { inWordsOfCluster, readerTrouble, withOutsideWarnings } from '../verdict/index.js';
import type { ShownTopology } from './shown-topology.js';

/** What is known around a pool. */
export interface AroundPool {
  /** Null: it is no cluster. */
  readonly topology: ShownTopology | null;
  /** Its callers that wait. */
  readonly waiting: number;
  readonly breakers: readonly ListedBreaker[];
  /** Replicas are read over it. */
  readonly isOfReplica: boolean;
}

/**
 * The one health of a pool. What is wrong around it keeps no caller from the pool's connections, but an operator should look. It makes no pool
 * unhealthy and no process unready: a breaker that belongs to no pool, a replica that others stand in for. A pool that only reads a replica is
 * degraded when it fails: the others, or the writer, serve its reads.
 */
export function judgedHealth(own: Health, { topology, waiting, breakers, isOfReplica }: AroundPool): Health {
  const inWords = own.healthy ? own : inWordsOfCluster(own, topology, waiting, Date.now());
  const trouble = topology === null ? undefined : readerTrouble(topology);
  const ofReplicas = trouble === undefined || inWords.checks.some(({ name, status }) => name === 'readers' && status !== 'pass');
  const withReplicas = ofReplicas ? inWords : withOutsideWarnings(inWords, 'readers', [trouble]);
  const outside = breakers
    .filter(({ pool, breaker }) => pool === null && breaker.snapshot().state !== 'closed')
    .map(({ name, breaker }) => wordsOf({ ...breaker.snapshot(), name }));
  const whole = withOutsideWarnings(withReplicas, 'breakers', outside);
  return isOfReplica && whole.status === 'unhealthy' ? { ...whole, status: 'degraded' } : whole;
}
