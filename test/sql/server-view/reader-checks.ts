/** Holds what the reader of SQL reports of a statement against what a server did with it. */
import {
  type Dependencies,
  dependenciesOf,
  type Effect,
  effectOf,
  factsOf,
  type Schema,
  type StatementFacts,
} from '../../../src/sql/index.js';
import { isOperation } from './operations.js';
import { changedTables } from './row-checks.js';
import type { Claims, Observation } from './row-run.js';
import type { Row } from './statement-row.js';

export function claimsOf(row: Row, schema: Schema): Claims {
  const dependencies = dependenciesOf(row.sql, schema);
  return { readOnly: factsOf(row.sql).readOnly, reads: dependencies.kind === 'tables' ? dependencies.tables : undefined };
}

/** Where the reader is wrong about a row. */
export function faultsOfReader(row: Row, seen: Observation, schema: Schema): string[] {
  const facts = factsOf(row.sql);
  if (row.behindView === true) return [];
  return [
    ...faultsOfSession(row, seen, facts),
    ...faultsOfTransaction(row, seen, facts),
    ...faultsOfReadOnly(row, seen, facts),
    ...faultsOfCount(row, seen, facts),
    ...faultsOfRequests(row, seen, facts),
    ...faultsOfEffect(row, seen, effectOf(row.sql, schema)),
    ...faultsOfDependencies(row, seen, dependenciesOf(row.sql, schema)),
  ];
}

function faultsOfSession(row: Row, { session }: Observation, { changesSession }: StatementFacts): string[] {
  const changes = row.session === 'unseen' || (!isBeyondTheText(row) && session.length > 0);
  if (changes && !changesSession) return [`changesSession is false; changed: ${session.join(', ')}`];
  return row.session === 'clean' && changesSession ? ['changesSession is true'] : [];
}

function isBeyondTheText({ session }: Row): boolean {
  return session === 'hidden' || session === 'released';
}

function faultsOfTransaction(row: Row, { transaction, history }: Observation, facts: StatementFacts): string[] {
  const ended = transaction === 'committed' || transaction === 'rolled back';
  const faults: string[] = [];
  if (ended && !facts.mayCommit(true)) faults.push(`mayCommit(true) is false; its transaction is ${transaction}`);
  if (ended && history.length === 1 && !facts.mayCommit(false)) faults.push(`mayCommit(false) is false; its transaction is ${transaction}`);
  if (row.transaction === 'open' && facts.mayCommit(true)) faults.push('mayCommit(true) is true');
  if (row.transaction === 'open' && facts.mayCommit(false)) faults.push('mayCommit(false) is true');
  return faults;
}

function faultsOfReadOnly(row: Row, seen: Observation, { readOnly }: StatementFacts): string[] {
  if (!readOnly) return row.readOnly === true ? ['readOnly is false'] : [];
  const traces = [...seen.session, ...seen.tables, ...seen.definitions, ...seen.asReader];
  if (seen.transaction === 'committed' || seen.transaction === 'rolled back') traces.push(`its transaction is ${seen.transaction}`);
  if (seen.askedForFile) traces.push('it asked for a file');
  if (row.readOnly === false) traces.push('it may not be proven');
  return traces.length === 0 ? [] : [`readOnly is true; ${traces.join(', ')}`];
}

function faultsOfCount(row: Row, { history, error }: Observation, { severalStatements, operation }: StatementFacts): string[] {
  const faults: string[] = [];
  if (history.length > 1 && !severalStatements && row.looksOne !== true)
    faults.push(`severalStatements is false; the server ran ${history.length}`);
  if (history.length <= 1 && severalStatements && row.looksSeveral !== true) faults.push('severalStatements is true');
  const event = history[0]?.event;
  if (event !== undefined && error === undefined && operation !== row.operation && !isOperation(operation, event))
    faults.push(`operation is ${operation}; the server ran ${event}`);
  return faults;
}

/** What it asks for: a file of the client, transactions that take no writes. */
function faultsOfRequests(row: Row, seen: Observation, { loadsLocalFile, asksReadOnly }: StatementFacts): string[] {
  const faults: string[] = [];
  if (seen.askedForFile !== loadsLocalFile && (seen.askedForFile || row.fails === undefined))
    faults.push(`loadsLocalFile is ${loadsLocalFile}`);
  if (seen.refusesWrites && asksReadOnly === undefined) faults.push('asksReadOnly is undefined; the server refuses writes');
  if (row.session === 'clean' && !seen.refusesWrites && asksReadOnly !== undefined) faults.push(`asksReadOnly is ${asksReadOnly}`);
  return faults;
}

function faultsOfEffect(row: Row, seen: Observation, effect: Effect): string[] {
  const changed = changedTables(seen);
  const faults: string[] = [];
  const reported = effect.kind === 'writes' ? effect.tables : [];
  const missing = reported === 'everything' || effect.kind === 'schema' ? [] : changed.filter((name) => !reported.includes(name));
  if (missing.length > 0) faults.push(`effectOf is ${effectText(effect)}; changed: ${missing.join(', ')}`);
  if (seen.definitions.length > 0 && effect.kind !== 'schema' && reported !== 'everything')
    faults.push(`effectOf is ${effectText(effect)}; changed: ${seen.definitions.join(', ')}`);
  if (row.effect !== undefined && effectText(effect) !== String(row.effect)) faults.push(`effectOf is ${effectText(effect)}`);
  return faults;
}

function effectText(effect: Effect): string {
  if (effect.kind !== 'writes') return effect.kind;
  return effect.tables === 'everything' ? 'everything' : String([...effect.tables].sort());
}

function faultsOfDependencies(row: Row, seen: Observation, dependencies: Dependencies): string[] {
  const faults = seen.alsoReads.map((what) => `dependenciesOf is ${dependenciesText(dependencies)}; ${what}`);
  const changes = [...seen.tables, ...seen.definitions, ...(isBeyondTheText(row) ? [] : seen.session)];
  if (dependencies.kind === 'tables' && changes.length > 0)
    faults.push(`dependenciesOf is ${dependenciesText(dependencies)}; changed: ${changes.join(', ')}`);
  if (row.reads !== undefined && dependenciesText(dependencies) !== String(row.reads))
    faults.push(`dependenciesOf is ${dependenciesText(dependencies)}`);
  return faults;
}

function dependenciesText(dependencies: Dependencies): string {
  return dependencies.kind === 'tables' ? String([...dependencies.tables].sort()) : dependencies.kind;
}
