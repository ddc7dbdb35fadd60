/** How far a MySQL replica lags, channel by channel, from performance_schema: to the microsecond, by the clocks of source and replica. */

import type { Interview, Row } from './interview.js';
import { numberOf, cellText } from './interview.js';

/** One channel of a replica. */
export interface Channel {
  readonly receiving: boolean;
  readonly applying: boolean;
  /** undefined: not known. */
  readonly lagMs: number | undefined;
}

const GROUP_APPLIER = 'group_replication_applier';
const GROUP_RECOVERY = 'group_replication_recovery';

/**
 * `pendingAgo`: how long ago the oldest transaction that is being applied, or is held back by SOURCE_DELAY (in whole seconds, rounded up), was
 * committed where it was written;
 * `appliedAgo`: the same of the newest one that was applied. `heardAgo`: the last word of the source. In microseconds; null: none.
 * Timestamps of zero make null (MySQL 9.7 reference manual, 29.12.11 "Performance Schema Replication Tables").
 */
const CHANNELS = `SELECT receiver.CHANNEL_NAME AS channel, receiver.SERVICE_STATE AS receiving, applier.SERVICE_STATE AS applying,
  GTID_SUBSET(receiver.RECEIVED_TRANSACTION_SET, @@GLOBAL.gtid_executed) AS caughtUp,
  (SELECT MIN(TIMESTAMPDIFF(MICROSECOND, LAST_APPLIED_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, NOW(6)))
    FROM performance_schema.replication_applier_status_by_worker worker WHERE worker.CHANNEL_NAME = receiver.CHANNEL_NAME) AS appliedAgo,
  LEAST(COALESCE(TIMESTAMPDIFF(MICROSECOND, receiver.LAST_HEARTBEAT_TIMESTAMP, NOW(6)), 1e18),
    COALESCE(TIMESTAMPDIFF(MICROSECOND, receiver.LAST_QUEUED_TRANSACTION_END_QUEUE_TIMESTAMP, NOW(6)), 1e18)) AS heardAgo,
  settings.HEARTBEAT_INTERVAL AS heartbeatSeconds,
  GREATEST(
    COALESCE((SELECT MAX(TIMESTAMPDIFF(MICROSECOND, APPLYING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, NOW(6)))
      FROM performance_schema.replication_applier_status_by_worker worker WHERE worker.CHANNEL_NAME = receiver.CHANNEL_NAME), -1),
    COALESCE((SELECT MAX(TIMESTAMPDIFF(MICROSECOND, PROCESSING_TRANSACTION_ORIGINAL_COMMIT_TIMESTAMP, NOW(6)))
      FROM performance_schema.replication_applier_status_by_coordinator coordinator
      WHERE coordinator.CHANNEL_NAME = receiver.CHANNEL_NAME), -1),
    COALESCE((delays.DESIRED_DELAY - CAST(applier.REMAINING_DELAY AS SIGNED) + 1) * 1000000, -1)) AS pendingAgo
FROM performance_schema.replication_connection_status receiver
JOIN performance_schema.replication_connection_configuration settings USING (CHANNEL_NAME)
JOIN performance_schema.replication_applier_status applier USING (CHANNEL_NAME)
JOIN performance_schema.replication_applier_configuration delays USING (CHANNEL_NAME)
WHERE receiver.CHANNEL_NAME <> '${GROUP_RECOVERY}'`;

/** The channels of a replica with GTIDs; undefined: performance_schema does not say. */
export async function readChannels(interview: Interview): Promise<readonly Channel[] | undefined> {
  const rows = await interview.ask(
    'its lag is known in whole seconds at best, because performance_schema does not show its replication',
    'SELECT ON performance_schema.*',
    CHANNELS,
  );
  return rows?.map(channelOf);
}

function channelOf(row: Row): Channel {
  const receiving = row['receiving'] === 'ON';
  const applying = row['applying'] === 'ON';
  return { receiving, applying, lagMs: receiving && applying ? lagOf(row) : undefined };
}

function lagOf(row: Row): number | undefined {
  const silentMs = silenceOf(row);
  if (numberOf(row['caughtUp']) === 1) return silentMs;
  const pendingAgo = numberOf(row['pendingAgo']) ?? -1;
  // Between two transactions, and when it begins, nothing is being applied. What is still to be applied may have waited for a long time: it is only known
  // that it was committed after what was applied last.
  const micros = pendingAgo > 0 ? pendingAgo : numberOf(row['appliedAgo']);
  return micros === undefined ? undefined : Math.max(micros / 1_000, silentMs);
}

/**
 * For how long the source has been silent, in milliseconds, when it should have sent a heartbeat twice meanwhile: what it has committed since is
 * not known here. 0: it was heard.
 */
function silenceOf(row: Row): number {
  // In a group, members watch each other by other means.
  if (cellText(row['channel']) === GROUP_APPLIER) return 0;
  const heartbeatSeconds = numberOf(row['heartbeatSeconds']) ?? 0;
  const heardAgoMs = (numberOf(row['heardAgo']) ?? 0) / 1_000;
  // Never heard: it has connected a moment ago.
  if (heartbeatSeconds === 0 || heardAgoMs > 1e14) return 0;
  return heardAgoMs > heartbeatSeconds * 2_000 + 1_000 ? heardAgoMs : 0;
}

/** The largest lag; undefined when any is not known, or there is no channel. */
export function largestLag(channels: readonly Pick<Channel, 'lagMs'>[]): number | undefined {
  let largest: number | undefined;
  for (const { lagMs } of channels) {
    if (lagMs === undefined) return undefined;
    largest = Math.max(largest ?? 0, lagMs);
  }
  return largest;
}
