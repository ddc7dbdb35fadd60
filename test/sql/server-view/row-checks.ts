/** Holds a row of the table against what a server did with it. */
import { type Observation, tableOf } from './row-run.js';
import type { Row } from './statement-row.js';

/** Where the table itself is wrong about this server. */
export function faultsOfRow(row: Row, seen: Observation): string[] {
  return [...faultsOfFailure(row, seen), ...faultsOfSession(row, seen), ...faultsOfTransaction(row, seen), ...faultsOfCount(row, seen)];
}

function faultsOfFailure({ fails }: Row, { error }: Observation): string[] {
  if (fails === undefined) return error === undefined ? [] : [`the server rejects it: ${error.errno} ${error.message}`];
  if (error === undefined) return ['the server runs it'];
  return fails === true || fails === error.errno ? [] : [`the server rejects it with ${error.errno}: ${error.message}`];
}

function faultsOfSession(row: Row, { session }: Observation): string[] {
  const changes = row.session === 'changed' || row.session === 'hidden' || row.session === 'released';
  if (changes && session.length === 0) return ['the server shows no change of the session'];
  if (row.session === 'clean' && row.behindView !== true && session.length > 0)
    return [`the server shows changes of the session: ${session.join(', ')}`];
  return [];
}

function faultsOfTransaction(row: Row, { transaction }: Observation): string[] {
  if (row.transaction === undefined || transaction === 'none') return [];
  return (row.transaction === 'open') === (transaction === 'open') ? [] : [`its transaction is ${transaction}`];
}

function faultsOfCount(row: Row, { history, error }: Observation): string[] {
  if (row.statements === undefined && error !== undefined) return [];
  return history.length === (row.statements ?? 1)
    ? []
    : [`the server's history has ${history.length} statements: ${history.map(({ event }) => event).join(', ')}`];
}

/** The tables with other rows than before, as the reader names them. The numbers of a sequence are no rows. */
export function changedTables({ tables }: Observation): string[] {
  return [...new Set(tables.filter((name) => name !== 'sequence').map(tableOf))].sort();
}
