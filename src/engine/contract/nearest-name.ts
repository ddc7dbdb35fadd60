/** The known option that a misspelled name, or another pool's name for it, probably means. */

/** Names that other pools use for the same thing: the refusal says Poolwright's name for it. */
const NAMES_ELSEWHERE: Readonly<Record<string, string>> = {
  max: 'connectionLimit',
  maximumPoolSize: 'connectionLimit',
  poolSize: 'connectionLimit',
  min: 'minIdle',
  minimumIdle: 'minIdle',
  acquireTimeoutMillis: 'acquireTimeout',
  connectionTimeout: 'acquireTimeout',
  connectionTimeoutMillis: 'connectTimeout',
  createTimeoutMillis: 'connectTimeout',
  idleTimeoutMillis: 'idleTimeout',
  keepaliveTime: 'keepaliveInterval',
  maxLifetimeSeconds: 'maxLifetime',
  minDelayValidation: 'validateAfterIdle',
  leakDetectionTimeout: 'leakDetectionThreshold',
  maxWaitingClients: 'queueLimit',
};

/** The known name that `name` was probably meant to be: at most `within` letters away. */
export function nearestName(name: string, known: readonly string[], within = Math.max(2, Math.floor(name.length / 3))): string | undefined {
  const elsewhere = NAMES_ELSEWHERE[name];
  if (elsewhere !== undefined && known.includes(elsewhere)) return elsewhere;
  let nearest: string | undefined;
  let nearestDistance = within + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
