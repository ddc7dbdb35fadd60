/** One thing that Poolwright does otherwise than mysql2, on purpose. differences.test.ts shows both behaviours of every row. */
export interface Difference {
  readonly id: string;
  /** The situation. */
  readonly when: string;
  readonly mysql2: string;
  readonly poolwright: string;
  readonly why: string;
}

/** Every deliberate difference between mysql2's pool and ours; docs/migration-from-mysql2.md shows this table. */
export const DIFFERENCES = [
  {
    id: 'acquire-timeout',
    when: 'all connections are taken and none is released',
    mysql2: 'waits forever',
    poolwright: 'fails with `POOL_ACQUIRE_TIMEOUT` after `acquireTimeout`, and names the borrowers that hold the connections',
    why: 'a hang has no stack trace; an error has one',
  },
  {
    id: 'dead-connection',
    when: 'an idle connection died silently (half-open)',
    mysql2: 'lends it; the statement hangs',
    poolwright: 'pings a connection that was idle longer than `validateAfterIdle` before it lends it, and replaces a dead one',
    why: 'firewalls, load balancers, and fail-overs drop connections silently',
  },
  {
    id: 'released-twice',
    when: 'a caller calls both `pool.releaseConnection(c)` and `c.release()`',
    mysql2: 'lends the same connection to two callers',
    poolwright: 'ignores the second call',
    why: 'two transactions on one connection commit each other',
  },
  {
    id: 'late-destroy',
    when: 'a caller calls `destroy()` on a promise connection after its release, when another borrower has the connection',
    mysql2: "closes the other borrower's connection",
    poolwright: 'does nothing',
    why: 'a borrower’s mistake must not affect another borrower',
  },
  {
    id: 'use-after-release',
    when: 'a caller uses a promise connection after its release',
    mysql2: 'runs the statement on a connection that another borrower may have by then',
    poolwright: 'refuses it with `POOL_RELEASED`',
    why: 'the statement would become part of another borrower’s transaction',
  },
  {
    id: 'open-transaction',
    when: 'a borrower releases a connection with an open transaction',
    mysql2: 'the next borrower is inside that transaction',
    poolwright: 'rolls back (with every hygiene except `never`)',
    why: 'a forgotten COMMIT must not absorb another borrower’s work or keep its locks',
  },
  {
    id: 'dirty-session',
    when: 'a borrower has changed the session (`SET`, temporary tables, locks)',
    mysql2: 'the next borrower gets the changed session, unless `resetOnRelease` is set',
    poolwright:
      '`createPool` resets changed sessions, and only those (hygiene `auto`); the drop-in leaves them as they are, as mysql2 does',
    why: 'otherwise a wrong time zone or a leftover lock is found weeks later',
  },
  {
    id: 'statement-timeout',
    when: 'the `timeout` of a statement passes',
    mysql2: 'the statement continues to run, and the pool lends the connection while it runs',
    poolwright: 'the pool kills the statement on the server, and the connection is free for the next borrower',
    why: 'otherwise each retry adds one more running statement',
  },
  {
    id: 'connect-storm',
    when: 'many callers wait and the server cannot be reached',
    mysql2: 'one attempt per caller, one after the other',
    poolwright: 'a few attempts with a growing delay; all waiting callers get the error',
    why: 'clients must not bring down a database that has just come back',
  },
  {
    id: 'burst',
    when: 'a burst comes to a pool that has connections',
    mysql2: 'opens one connection per caller, up to the limit, and each caller waits for its own connection',
    poolwright: 'opens only the connections that the burst needs; a waiting caller gets the first connection that becomes free',
    why: 'opening a connection costs client and server more than a short wait',
  },
  {
    id: 'idle-connections',
    when: 'connections are idle for longer than `idleTimeout`',
    mysql2: 'keeps them, unless `maxIdle` is below `connectionLimit`',
    poolwright: 'closes them, down to `minIdle`',
    why: 'that is what the option means',
  },
  {
    id: 'goodbye',
    when: 'an idle connection is closed by its pool',
    mysql2: 'cuts the socket, unless `gracefulEnd` is set',
    poolwright: 'always sends COM_QUIT',
    why: 'the server logs each cut socket as an aborted connection',
  },
  {
    id: 'end-twice',
    when: 'a caller calls `pool.end()` a second time',
    mysql2: 'fails with "Can\'t add new command when connection is in closed state"',
    poolwright: 'resolves when the first call has',
    why: 'shutdown handlers sometimes run twice',
  },
  {
    id: 'stream-of-closed-connection',
    when: 'a caller asks for a stream on a closed connection',
    mysql2: 'the stream neither ends nor fails',
    poolwright: 'the stream fails',
    why: 'a hang has no stack trace',
  },
  {
    id: 'abandoned-stream',
    when: 'a stream is destroyed before its end',
    mysql2: 'the connection stays taken, because the rest of the rows is never read',
    poolwright: 'the pool stops the statement on the server, and the connection is free',
    why: '`break` in a `for await` must not cost a connection',
  },
  {
    id: 'async-context',
    when: 'the caller of a callback had to wait for a connection',
    mysql2: 'the callback runs in the async context of the caller that released the connection',
    poolwright: 'the callback runs in its own caller’s async context (AsyncLocalStorage)',
    why: 'log lines and traces must belong to their own request',
  },
  {
    id: 'queue-errors',
    when: 'the queue is full; or no connection is free, with `waitForConnections: false`',
    mysql2: 'an error without a code; "Queue limit reached." calls back before the call returns',
    poolwright: '`POOL_QUEUE_FULL`; the text begins with mysql2’s; the callback never runs before the call returns',
    why: 'one failure needs one code',
  },
  {
    id: 'failure-codes',
    when: 'a connection cannot be opened, or is lost while a statement runs',
    mysql2: 'the error of the driver (`ECONNREFUSED`, `PROTOCOL_CONNECTION_LOST`)',
    poolwright:
      '`createPool`: `POOL_CONNECT_FAILED`, `POOL_CONNECTION_LOST` with that error as `cause` and its `errno`, `sqlState` …; callbacks of statements and the drop-in get the error of the driver',
    why: 'what to do depends on which of the two happened, not on which of ten codes the system chose',
  },
  {
    id: 'read-only-server',
    when: 'a statement on a borrowed connection fails because the server is read-only (1290, 1792, 1836)',
    mysql2: 'keeps the connection for the next borrower',
    poolwright: 'replaces all connections, because they lead to the server that lost its role',
    why: 'after a fail-over, every pooled connection leads to the wrong server',
  },
  {
    id: 'no-statement',
    when: 'a caller runs something that is not a statement: `undefined`, a number, an object without a text',
    mysql2: 'takes a connection, and fails with a `TypeError` from its internals',
    poolwright: 'fails with `POOL_OPTION_INVALID` at once, and shows the given value',
    why: 'the error appears where the mistake is, even while no connection is available',
  },
  {
    id: 'unknown-options',
    when: 'an option is misspelled',
    mysql2: 'prints a line to stderr and uses its default',
    poolwright: '`createPool` refuses it with `POOL_OPTION_INVALID` and suggests the nearest name; the drop-in behaves as mysql2 does',
    why: 'otherwise a limit that has no effect is found under load',
  },
  {
    id: 'tls',
    when: 'the database is on another machine and `ssl` is not given',
    mysql2: 'plaintext',
    poolwright: '`createPool`: TLS with a verified certificate and host name; `ssl: false` allows plaintext',
    why: 'passwords and rows cross the network',
  },
  {
    id: 'process-exit',
    when: 'a program has finished its work but did not end its pool',
    mysql2: 'idle connections keep the process alive',
    poolwright: 'idle connections do not; waiting callers and borrowers do',
    why: 'scripts and tests should end when they are done',
  },
] as const satisfies readonly Difference[];

export type DifferenceId = (typeof DIFFERENCES)[number]['id'];
