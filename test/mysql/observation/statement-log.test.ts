import { describe, expect, it } from 'vitest';
import type { Command } from '../../../src/mysql/driver/driver.js';
import { StatementLog, type WritingConnection } from '../../../src/mysql/observation/statement-log.js';

function logOf(): { readonly log: StatementLog; readonly calls: string[] } {
  const calls: string[] = [];
  const breaker = {
    succeeded: (ms: number) => void calls.push(`succeeded ${ms}`),
    failed: (error: unknown, ms: number) => void calls.push(`failed ${ms} ${(error as Error).message}`),
    failedAlone: (ms: number) => void calls.push(`failed alone ${ms}`),
    acquit: () => void calls.push('acquitted'),
  };
  const writes = { commandSent: () => void calls.push('sent'), connectionLost: () => void calls.push('lost') };
  return { log: new StatementLog(breaker, writes), calls };
}

describe('the log of statements', () => {
  it('counts times and errors, and reports to the breaker what ended and what broke, each once', () => {
    const { log, calls } = logOf();
    log.statementEnded(40, 'SELECT 1', 100, false);
    log.statementBroke(new Error('lost'), 30, 200, 'lost');
    log.statementEnded(30, 'SELECT 2', 200, true);
    log.statementFailed({ errno: 1062, sqlState: '23000', message: 'Duplicate entry' });
    log.statementFailed({ errno: 1062, sqlState: '23000', message: 'Duplicate entry' });
    expect(log.counts).toMatchObject({ query: { count: 2 }, queryErrors: 2, queryErrorsByErrno: { 1062: 2 } });
    expect(log.countsUpTo([35]).cumulative).toEqual([1]);
    expect(calls).toEqual(['succeeded 40', 'failed 30 lost']);
  });

  it('lets an answer acquit the server of what failed before the statement was sent', () => {
    const { log, calls } = logOf();
    log.statementBroke(new Error('lost'), 30, 200, 'lost');
    // Sent before the connection broke: the server may have gone since.
    log.statementEnded(10, 'SELECT 1', 205, false);
    log.statementEnded(5, 'SELECT 1', 210, false);
    log.statementEnded(5, 'SELECT 1', 220, false);
    expect(calls).toEqual(['failed 30 lost', 'succeeded 10', 'succeeded 5', 'acquitted', 'succeeded 5']);
  });

  it('takes a time-out for its caller’s own where the server has answered what was sent later', () => {
    const { log, calls } = logOf();
    log.statementEnded(5, 'SELECT 1', 100, false);
    log.statementBroke(new Error('late'), 30, 120, 'late');
    log.statementBroke(new Error('late'), 19, 120, 'late');
    log.statementBroke(new Error('killed'), 19, 120, 'alone');
    log.statementEnded(5, 'SELECT 1', 130, false);
    expect(calls).toEqual(['succeeded 5', 'failed alone 30', 'failed 19 late', 'failed alone 19', 'succeeded 5', 'acquitted']);
  });

  it('keeps a statement that was stopped with the slow ones, and out of the times', () => {
    const { log } = logOf();
    log.statementStopped(5_000, 'SELECT SLEEP(9)');
    expect(log.counts.query.count).toBe(0);
    expect(log.slowQueries.report(5).queries).toMatchObject([{ digest: 'SELECT SLEEP(?)', maxMs: 5_000 }]);
  });

  it('shows the cache what is sent, and the end of a connection', () => {
    const { log, calls } = logOf();
    const connection: WritingConnection = { alive: true, session: { inTransaction: false }, takesSeveralStatements: false };
    log.commandSent(connection, {} as Command, undefined);
    log.connectionLost(connection);
    expect(calls).toEqual(['sent', 'lost']);
  });
});
