/** Publishes acquires on mysql2's diagnostics channel, and asks tracers for their comments on statements. */

import { tracingChannel } from 'node:diagnostics_channel';
import { type AcquireOptions, keepShape, type Lease, type PoolError } from '../../engine/index.js';
import { type StatementFacts, withTrailingComment } from '../../sql/index.js';
import { type Command, isQueryCommand } from '../driver/index.js';
import type { ManagedConnection } from './managed-connection.js';
import { type Endpoint, tracedEndpoint } from '../options/index.js';
import { type StatementToSend, statementsToSend } from '../observation/index.js';
import { ConnectionWaiter } from './connection-waiter.js';

/** mysql2 (3.20 and later) publishes every acquire of its pool here, and tracers subscribe. */
const acquires = tracingChannel('mysql2:pool:connect');
/** The same of acquires that are not served at once, or may not be: a subscriber here leaves the short way open for all others. */
const waits = tracingChannel('poolwright:acquire');

type Enqueue = (waiter: ConnectionWaiter, options?: AcquireOptions) => void;

/** Whether every acquire is published. Not every Node has the aggregate. */
export function isTraced(): boolean {
  return acquires.hasSubscribers ?? acquires.start.hasSubscribers;
}

/** Whether acquires are published that may have to wait. Who subscribes looks at their end. */
export function isWaitTraced(): boolean {
  return waits.end.hasSubscribers;
}

/** Queues a waiter, and publishes that as mysql2 does. Precondition: one of both has subscribers. */
export function enqueueTraced(enqueue: Enqueue, waiter: ConnectionWaiter, options: AcquireOptions | undefined, endpoint: Endpoint): void {
  if (!isWaitTraced()) publish(acquires, enqueue, waiter, options, endpoint);
  else if (!isTraced()) publish(waits, enqueue, waiter, options, endpoint);
  else publish(acquires, (traced) => publish(waits, enqueue, traced, options, endpoint), waiter, options, endpoint);
}

function publish(
  channel: typeof acquires,
  enqueue: Enqueue,
  waiter: ConnectionWaiter,
  options: AcquireOptions | undefined,
  endpoint: Endpoint,
): void {
  const begin = (done: Done): void => enqueue(new TracedWaiter(done), options);
  channel.traceCallback(begin as never, 0, tracedEndpoint(endpoint), undefined, ((
    error: PoolError | null,
    lease?: Lease<ManagedConnection>,
  ) => {
    if (lease === undefined) waiter.refused(error as PoolError);
    else waiter.granted(lease);
  }) as never);
}

type Done = (error: PoolError | null, lease?: Lease<ManagedConnection>) => void;

class TracedWaiter extends ConnectionWaiter {
  constructor(private readonly done: Done) {
    super();
  }

  override receiveLease(lease: Lease<ManagedConnection>): void {
    this.done(null, lease);
  }

  override receiveFailure(error: PoolError): void {
    this.done(error);
  }
}

keepShape(TracedWaiter);

/** Statements whose text the server keeps. */
const KEPT_BY_SERVER = new Set(['CREATE', 'ALTER']);

/**
 * Asks tracers for a comment on a statement, which is sent behind its text. All that reads the text here, such as digests, errors and the cache,
 * sees it without. A prepared statement has none: the server would prepare one for each trace.
 */
export function askForComment(command: Command, sql: string, facts: StatementFacts): void {
  const { start } = command;
  if (start === undefined || !isQueryCommand(command) || facts.first === '' || KEPT_BY_SERVER.has(facts.first)) return;
  const message: StatementToSend = { query: sql, comment: undefined };
  statementsToSend.publish(message);
  const commented = message.comment === undefined ? undefined : withTrailingComment(sql, message.comment);
  if (commented === undefined) return;
  command.start = function startCommented(this: { sql?: string }, packet, connection) {
    this.sql = commented;
    try {
      return start.call(this, packet, connection);
    } finally {
      this.sql = sql;
    }
  };
}
