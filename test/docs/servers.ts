/** The rows of docs/servers.md: what is tested on a real server; what rests on documents stands with the imitations. */

import { type Claim, CLAIMS, sourceOf } from '../support/imitations/claims.js';

/** A capability that a test shows on real servers. */
export interface RealRow {
  readonly capability: string;
  readonly test: string;
}

/** What a run without a choice has on the first two servers; scripts/servers/passes.mjs says what the others have. */
const BOTH = 'MariaDB 10.11, MySQL 9.7';

/** By the servers that the tests run on. */
export const REAL: Readonly<Record<string, readonly RealRow[]>> = {
  [BOTH]: [
    { capability: 'statements, prepared statements, results as mysql2 gives them', test: 'test/contract/statements.test.ts' },
    { capability: 'streams', test: 'test/contract/streams.test.ts' },
    {
      capability: 'transactions, savepoints, COMMITs with an unknown outcome',
      test: 'test/mysql/transactions/transaction-commit.test.ts',
    },
    { capability: 'transactions run again after deadlocks and lock waits', test: 'test/mysql/transactions/transaction-retries.test.ts' },
    { capability: 'the session that the next borrower finds', test: 'test/mysql/sessions/next-borrower.test.ts' },
    {
      capability: 'what the server reports about a session, with GTIDs and transaction state',
      test: 'test/mysql/sessions/session-tracking.test.ts',
    },
    { capability: 'what stored functions and triggers leave behind', test: 'test/mysql/sessions/side-effects-of-routines.test.ts' },
    { capability: 'kills of statements that take too long', test: 'test/mysql/connections/killer.test.ts' },
    {
      capability: 'idle connections that are cut, with and without the server’s reason',
      test: 'test/mysql/connections/lost-connections.test.ts',
    },
    { capability: 'SIGKILL, SHUTDOWN, SIGSTOP, read-only after a fail-over', test: 'test/faults/server.test.ts' },
    { capability: 'wrong passwords, locked accounts, plaintext refused, certificates', test: 'test/faults/refusals.test.ts' },
    { capability: 'error numbers, compared with the server’s own list', test: 'test/mysql/errors/server-lists.test.ts' },
    { capability: 'the cache while other clients write', test: 'test/mysql/caching/cache-under-writes.test.ts' },
    { capability: 'the doctor', test: 'test/cli/doctor.test.ts' },
    { capability: 'what the doctor reports about refused logins', test: 'test/cli/doctor-login.test.ts' },
  ],
  'MySQL 9.7': [
    {
      capability: 'caching_sha2 and sha256 logins over plaintext, offline mode, super_read_only, VECTOR, query attributes',
      test: 'test/mysql/servers/mysql.test.ts',
    },
    { capability: 'logins that it delays after failed ones (connection_control)', test: 'test/mysql/servers/delayed-logins.test.ts' },
  ],
  'MariaDB 11.8': [
    { capability: 'a smoke test: statements, release, hygiene, kills, transactions', test: 'test/mysql/connections/hygiene.test.ts' },
  ],
  'MySQL Router 9.7': [
    {
      capability: 'in passthrough, everything including kills; with shared connections, no kill, and clean sessions',
      test: 'test/mysql/servers/proxies.test.ts',
    },
  ],
  'HAProxy 2.6': [
    { capability: 'two servers that take turns, and kills behind the proxy', test: 'test/mysql/connections/kill-behind-balancer.test.ts' },
    { capability: 'a switch of the writer behind the proxy, by GTIDs', test: 'test/mysql/roles/server-role.test.ts' },
    { capability: 'idle connections that the proxy cuts', test: 'test/mysql/servers/proxies.test.ts' },
  ],
};

/** The products of rows that are tested on a real server, without their versions. */
export function realProducts(): readonly string[] {
  const names = Object.keys(REAL).flatMap((servers) => servers.split(', ').map((name) => name.replace(/ [\d.]+$/u, '')));
  return [...new Set(names)];
}

/** Where the test of a claim is. */
export function testOf({ test }: Claim): string | undefined {
  return test === undefined ? undefined : `test/mysql/imitations/${test}.test.ts`;
}

/** The one table of docs/servers.md. */
export function serversTable(): string {
  const real = Object.entries(REAL).flatMap(([servers, rows]) =>
    rows.map(({ capability, test }) => `| ${servers} | ${capability} | the real server | ${linkTo(test)} |`),
  );
  const claimed = (Object.values(CLAIMS) as readonly Claim[]).map((claim) => {
    const test = testOf(claim);
    const how = test === undefined ? 'its document only' : 'an imitation';
    const where = test === undefined ? sourceOf(claim) : `${linkTo(test)}; ${sourceOf(claim)}`;
    return `| ${claim.product} | ${claim.says}. The pool ${claim.pool}. | ${how} | ${where} |`;
  });
  return ['| product | what | tested on | where |', '| --- | --- | --- | --- |', ...real, ...claimed].join('\n');
}

function linkTo(test: string): string {
  return `[${test.slice(test.lastIndexOf('/') + 1)}](../${test})`;
}
