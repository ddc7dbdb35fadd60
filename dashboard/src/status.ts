/** The status of a pool as the page says it: a sign and a word, so that it does not depend on color. */

export type Status = 'healthy' | 'degraded' | 'unhealthy';

export const SIGNS: Readonly<Record<Status, string>> = { healthy: '● healthy', degraded: '▲ degraded', unhealthy: '✕ unhealthy' };
