/** OpenTelemetry's API, which an application installs only when it uses it, and what its conventions for databases fix for every instrument. */

import type * as Api from '@opentelemetry/api';
import { requirePeer } from '../packages/index.js';

export const api = requirePeer('@opentelemetry/api', 'poolwright/otel') as typeof Api;

/** The scope of all instruments and spans. */
export const SCOPE = 'poolwright';

/** https://opentelemetry.io/docs/specs/semconv/db/database-metrics/, in seconds. */
const BOUNDS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** What every histogram of durations has. */
export const IN_SECONDS = { unit: 's', advice: { explicitBucketBoundaries: BOUNDS_S } };
