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
    when: 'all connections are taken, and stay so',
    mysql2: 'waits for ever',
    poolwright: 'fails with `POOL_ACQUIRE_TIMEOUT` after `acquireTimeout`, and says who holds the connections',
    why: 'a hang has no stack trace; an error has one',
  },
  {
    id: 'dead-connection',
    when: 'an idle connection has died without a word (half-open)',
    mysql2: 'lends it; the statement hangs',
    poolwright: 'pings what idled longer than `validateAfterIdle` before it is lent, and replaces it',
    why: 'firewalls, load balancers and fail-overs drop connections silently',
  },
  {
    id: 'released-twice',
    when: '`pool.releaseConnection(c)` and `c.release()` are both called',
    mysql2: 'lends the same connection to two callers',
    poolwright: 'ignores the second',
    why: 'two transactions on one connection commit each other',
  },
  {
    id: 'late-destroy',
    when: '`destroy()` of a promise connection comes after its release, when somebody else has the connection',
    mysql2: "closes the other's connection",
    poolwright: 'does nothing',
    why: 'a borrower’s mistake stays their own',
  },
  {
    id: 'use-after-release',
    when: 'a promise connection is used after its release',
    mysql2: 'runs the statement, on a connection that may be somebody else’s by then',
    poolwright: 'refuses with `POOL_RELEASED`',
    why: 'the statement would be part of another’s transaction',
  },
  {
    id: 'open-transaction',
    when: 'a connection is released with its transaction open',
    mysql2: 'the next borrower is inside that transaction',
    poolwright: 'rolls back (hygiene `transaction`, and all but `never`)',
    why: 'a forgotten COMMIT must not swallow another’s work, nor keep its locks',
  },
  {
    id: 'dirty-session',
    when: 'a borrower has changed the session (`SET`, temporary tables, locks)',
    mysql2: 'the next borrower finds it so, unless `resetOnRelease`',
    poolwright: '`createPool` resets sessions that were changed (hygiene `auto`), and only those; the drop-in leaves them, as mysql2 does',
    why: 'a wrong time zone or a left lock is found weeks later',
  },
  {
    id: 'statement-timeout',
    when: 'the `timeout` of a statement passes',
    mysql2: 'the statement runs on, and the connection is lent with it',
    poolwright: 'the statement is killed on the server, and the connection is free for the next',
    why: 'otherwise each retry adds one more running statement',
  },
  {
    id: 'connect-storm',
    when: 'many callers wait and the server cannot be reached',
    mysql2: 'one attempt per caller, one after the other',
    poolwright: 'a few attempts with a growing delay; all who wait are told of the failure',
    why: 'a database that comes back must not be knocked over by its own clients',
  },
  {
    id: 'burst',
    when: 'a burst comes to a pool that has connections',
    mysql2: 'opens one connection per caller, up to the limit, and each waits for its own',
    poolwright: 'opens what the burst needs; whoever waits gets what comes free first',
    why: 'opening costs more than a short wait, for both sides',
  },
  {
    id: 'idle-connections',
    when: 'connections are idle for longer than `idleTimeout`',
    mysql2: 'keeps them, unless `maxIdle` is below `connectionLimit`',
    poolwright: 'closes them, down to `minIdle`',
    why: 'the option says so',
  },
  {
    id: 'goodbye',
    when: 'an idle connection is closed by its pool',
    mysql2: 'cuts the socket, unless `gracefulEnd`',
    poolwright: 'sends COM_QUIT, always',
    why: 'the server logs each cut socket as an aborted connection',
  },
  {
    id: 'end-twice',
    when: '`pool.end()` is called a second time',
    mysql2: 'fails with "Can\'t add new command when connection is in closed state"',
    poolwright: 'resolves when the first has',
    why: 'shutdown handlers run twice',
  },
  {
    id: 'stream-of-closed-connection',
    when: 'a stream is asked of a connection that is closed',
    mysql2: 'it neither ends nor fails',
    poolwright: 'it fails',
    why: 'a hang has no stack trace',
  },
  {
    id: 'abandoned-stream',
    when: 'a stream is destroyed before its end',
    mysql2: 'the connection stays taken: the rest of the rows is never read',
    poolwright: 'the statement is stopped on the server, and the connection is free',
    why: '`break` in a `for await` must not cost a connection',
  },
  {
    id: 'async-context',
    when: 'a callback has waited for a connection',
    mysql2: 'runs in the async context of whoever released the connection',
    poolwright: 'runs in its caller’s (AsyncLocalStorage)',
    why: 'log lines and traces belong to their request',
  },
  {
    id: 'queue-errors',
    when: 'the queue is full, or nothing is free with `waitForConnections: false`',
    mysql2: 'an error without a code; "Queue limit reached." calls back before the call has returned',
    poolwright: '`POOL_QUEUE_FULL`; the text begins with mysql2’s; callbacks never come at once',
    why: 'one failure, one identity',
  },
  {
    id: 'failure-codes',
    when: 'connecting fails, or a connection is lost under a statement',
    mysql2: 'the error of the driver (`ECONNREFUSED`, `PROTOCOL_CONNECTION_LOST`)',
    poolwright:
      '`createPool`: `POOL_CONNECT_FAILED`, `POOL_CONNECTION_LOST` with that error as `cause` and its `errno`, `sqlState` …; callbacks of statements and the drop-in get the error of the driver',
    why: 'what to do depends on which of the two it was, not on which of ten codes the system chose',
  },
  {
    id: 'read-only-server',
    when: 'a statement on a borrowed connection fails because the server is read-only (1290, 1792, 1836)',
    mysql2: 'keeps the connection for the next',
    poolwright: 'replaces all connections: they lead to the server that lost its role',
    why: 'after a fail-over every pooled connection is wrong',
  },
  {
    id: 'no-statement',
    when: 'what is no statement is run: `undefined`, a number, an object without a text',
    mysql2: 'takes a connection, and fails with a `TypeError` of its insides',
    poolwright: 'fails with `POOL_OPTION_INVALID` at once, and says what was given',
    why: 'the mistake is named where it was made, also while no connection can be had',
  },
  {
    id: 'unknown-options',
    when: 'an option is misspelt',
    mysql2: 'prints a line to stderr and goes on with its default',
    poolwright: '`createPool` refuses with `POOL_OPTION_INVALID` and the nearest name; the drop-in does as mysql2',
    why: 'a limit that is not in force is found under load',
  },
  {
    id: 'tls',
    when: 'the database is on another machine and `ssl` is not given',
    mysql2: 'plaintext',
    poolwright: '`createPool`: TLS with a verified certificate and host name; `ssl: false` says that plaintext is all right',
    why: 'passwords and rows cross the network',
  },
  {
    id: 'process-exit',
    when: 'a program has nothing to do any more but did not end its pool',
    mysql2: 'idle connections keep the process alive',
    poolwright: 'they do not; those who wait or hold a connection do',
    why: 'scripts and tests end when they are done',
  },
] as const satisfies readonly Difference[];

export type DifferenceId = (typeof DIFFERENCES)[number]['id'];
