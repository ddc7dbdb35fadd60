/** The tables, views, triggers, foreign keys and routines of a database, and which tables stand behind a name. */

import { isNamePart } from '../characters.js';
import { holdsItsRows, isTransactional, losesItsRows } from './engines.js';
import { unknownCallIn, type Volatility, volatilityOf } from './functions.js';
import { callsIn, readingsOf, writingRoutines } from './routines.js';
import { isCall, isName, isPartOfName, type StatementTokens, type Token, tokenListsOf } from '../token-list.js';
import { tablesIn } from './tables.js';

/** What the server says of them. Names are without their database, in small letters. */
export interface SchemaFacts {
  readonly tables: readonly string[];
  /** Undefined where the definition is not shown to this user. */
  readonly views: readonly { readonly name: string; readonly definition: string | undefined }[];
  readonly triggers: readonly { readonly table: string; readonly body: string | undefined }[];
  /** Foreign keys by which a change of `parent` changes `child`. */
  readonly cascades: readonly { readonly parent: string; readonly child: string }[];
  readonly routines: readonly string[];
  /** Of the functions among them, the bodies. One that is not listed, or not shown to this user, may write. */
  readonly functions?: readonly { readonly name: string; readonly body: string | undefined }[];
  /** The storage engines of tables, as the server spells them. A table that is not listed is one of InnoDB. */
  readonly engines?: readonly { readonly table: string; readonly engine: string }[];
  /** Expressions of columns whose values are not stored. */
  readonly generated?: readonly { readonly table: string; readonly expression: string }[];
  /** Tables of which this user may not see the triggers, and perhaps not the tables whose foreign keys refer to them. */
  readonly halfSeen?: readonly string[];
  /** Changes when the columns of tables do. */
  readonly epoch: string;
}

/** Tables; everything when a routine may be called. */
export type Reach = ReadonlySet<string> | 'everything';

/** Which tables stand behind a name. */
export class Schema {
  readonly epoch: string;
  readonly #tables: ReadonlySet<string>;
  readonly #routines: ReadonlySet<string>;
  /** Those of them that may write. */
  readonly #writing: ReadonlySet<string>;
  /** For views what they show, for tables what triggers and foreign keys change with them; one step. */
  readonly #views = new Map<string, Reach>();
  readonly #effects = new Map<string, Reach>();
  /** Views and tables whose rows are not only what was written into them. */
  readonly #volatile = new Map<string, Volatility>();
  /** Views that call a routine when they are read, which may write. */
  readonly #calling = new Set<string>();
  /** Tables whose changes are seen before the transaction ends. */
  readonly #immediate = new Set<string>();
  readonly #mayBeImmediate: boolean;

  constructor(facts: SchemaFacts) {
    this.epoch = facts.epoch;
    this.#tables = new Set(facts.tables);
    this.#routines = new Set(facts.routines);
    const known = new Set([...facts.tables, ...facts.views.map(({ name }) => name)]);
    this.#writing = writingRoutines(facts);
    for (const { name, definition } of facts.views) this.#addView(name, definition, known);
    for (const { table, body } of facts.triggers) this.#addEffect(table, body === undefined ? 'everything' : this.#writtenBy(body, known));
    for (const { parent, child } of facts.cascades) this.#addEffect(parent, new Set([child]));
    for (const { table, engine } of facts.engines ?? []) this.#addEngine(table, engine);
    for (const { table, expression } of facts.generated ?? []) this.#addVolatility(table, tokenListsOf(expression).statements);
    for (const table of facts.halfSeen ?? []) this.#addEffect(table, 'everything');
    this.#mayBeImmediate = this.#immediate.size > 0 || (facts.halfSeen ?? []).length > 0;
  }

  has(name: string): boolean {
    return this.#tables.has(name) || this.#views.has(name);
  }

  hasRoutine(name: string): boolean {
    return this.#routines.has(name);
  }

  /** Whether a routine may write. */
  writes(routine: string): boolean {
    return this.#writing.has(routine) || !this.#routines.has(routine);
  }

  /** Whether a SELECT may call a routine that writes: it names one, or a view that does. */
  get hasRoutines(): boolean {
    return this.#writing.size > 0 || this.#calling.size > 0;
  }

  /** Whether this is a view that calls a routine which may write, perhaps behind other views. */
  callsWhenRead(name: string): boolean {
    if (this.#calling.size === 0 || !this.#views.has(name)) return false;
    for (const reached of reachedFrom(name, (step) => this.#views.get(step))) if (this.#calling.has(reached)) return true;
    return false;
  }

  /** Whether the name of a routine stands somewhere in a text: it calls none otherwise. For a long text, this is much faster than reading it. */
  isNamedIn(text: string): boolean {
    if (this.#routines.size > MOST_SOUGHT) return true;
    const small = this.#routines.size === 0 ? '' : text.toLowerCase();
    for (const name of this.#routines) if (MAY_BE_WRITTEN_OTHERWISE.test(name) || standsIn(small, name)) return true;
    return false;
  }

  /** The tables whose rows show in this table or view, itself included. */
  shownBy(name: string): Reach {
    return closure(name, (step) => this.#views.get(step));
  }

  /** Why the rows of this table or view are not only what was written. */
  volatilityOf(name: string): Volatility | undefined {
    if (this.#volatile.size === 0) return undefined;
    let worst: Volatility | undefined = undefined;
    for (const reached of reachedFrom(name, (step) => this.#views.get(step))) {
      const found = this.#volatile.get(reached);
      if (found?.kind === 'session') return found;
      worst ??= found;
    }
    return worst;
  }

  /** The tables that may change when this table or view is written, itself included. */
  changedBy(name: string): Reach {
    return closure(name, (step) => union(this.#views.get(step), this.#effects.get(step) ?? NOTHING));
  }

  /** Whether changes of these tables are seen by others before the transaction ends, and stay when it is rolled back. */
  areImmediate(tables: Reach): boolean {
    if (tables === 'everything') return this.#mayBeImmediate;
    for (const table of tables) if (this.#immediate.has(table)) return true;
    return false;
  }

  #addView(name: string, definition: string | undefined, known: ReadonlySet<string>): void {
    const text = definition === undefined ? undefined : readingsOf(definition);
    this.#views.set(name, union(this.#views.get(name), text === undefined ? 'everything' : this.#shownIn(name, text, known)));
    for (const statements of text ?? []) this.#addVolatility(name, statements);
  }

  #addVolatility(name: string, statements: readonly StatementTokens[]): void {
    for (const { tokens } of statements) {
      const found = volatilityOf(tokens);
      if (found !== undefined && this.#volatile.get(name)?.kind !== 'session') this.#volatile.set(name, found);
    }
  }

  #addEngine(table: string, engine: string): void {
    if (!isTransactional(engine)) this.#immediate.add(table);
    if (losesItsRows(engine)) this.#volatile.set(table, { kind: 'moment', why: `a restart of the server empties ${table}` });
    if (holdsItsRows(engine)) return;
    this.#volatile.set(table, { kind: 'moment', why: `the engine ${engine} of ${table} keeps its rows elsewhere` });
    this.#addEffect(table, 'everything');
  }

  #addEffect(table: string, reach: Reach): void {
    this.#effects.set(table, union(this.#effects.get(table), reach));
  }

  /** The tables that a view's definition names; everything when it calls a routine, or names what this user may not see. */
  #shownIn(view: string, readings: readonly (readonly StatementTokens[])[], known: ReadonlySet<string>): Reach {
    const named = new Set<string>();
    let isKnown = true;
    for (const statements of readings) {
      for (const { tokens } of statements) {
        const called = this.#callsIn(tokens, known);
        if (called.some((name) => this.writes(name))) this.#calling.add(view);
        if (called.length > 0) isKnown = false;
        this.#collect(tokens, known, named);
        if (tablesIn(tokens).some((name) => !known.has(name))) isKnown = false;
      }
    }
    return isKnown ? named : 'everything';
  }

  /** The tables that a trigger's body names, also those that this user may not see; everything when it calls a routine. */
  #writtenBy(body: string, known: ReadonlySet<string>): Reach {
    const readings = readingsOf(body);
    if (readings === undefined) return 'everything';
    const named = new Set<string>();
    for (const statements of readings) {
      for (const { tokens } of statements) {
        if (tokens.some(runsAnother) || this.#callsIn(tokens, known).some((name) => this.writes(name))) return 'everything';
        this.#collect(tokens, known, named);
        for (const name of tablesIn(tokens)) named.add(name);
      }
    }
    return named;
  }

  #callsIn(tokens: readonly Token[], known: ReadonlySet<string>): readonly string[] {
    const tables = new Set(tablesIn(tokens));
    return callsIn(tokens, this.#routines, (name) => known.has(name) || tables.has(name));
  }

  #collect(tokens: readonly Token[], known: ReadonlySet<string>, named: Set<string>): void {
    for (const token of tokens) if (isName(token) && known.has(token.text)) named.add(token.text);
  }
}

function runsAnother({ kind, text }: Token): boolean {
  return kind === 'word' && (text === 'call' || text === 'execute');
}

/** As a whole word: many a name is part of others. */
function standsIn(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + name.length)) {
    if (!isNamePart(text.charCodeAt(at - 1)) && !isNamePart(text.charCodeAt(at + name.length))) return true;
  }
  return false;
}

const NOTHING: ReadonlySet<string> = new Set();
/** Each name is one more search. */
const MOST_SOUGHT = 32;
/** A quote in a name is doubled in a text. */
const MAY_BE_WRITTEN_OTHERWISE = /["`]/;

function union(one: Reach | undefined, other: Reach): Reach {
  if (one === undefined) return other;
  return one === 'everything' || other === 'everything' ? 'everything' : new Set([...one, ...other]);
}

function closure(name: string, step: (name: string) => Reach | undefined): Reach {
  const reached = new Set([name]);
  for (const next of reached) {
    const reach = step(next);
    if (reach === 'everything') return 'everything';
    // A set that grows while it is walked is walked to its end.
    for (const found of reach ?? NOTHING) reached.add(found);
  }
  return reached;
}

/** The same, past what is not known. */
function reachedFrom(name: string, step: (name: string) => Reach | undefined): ReadonlySet<string> {
  const reached = new Set([name]);
  for (const next of reached) {
    const reach = step(next);
    if (reach !== 'everything') for (const found of reach ?? NOTHING) reached.add(found);
  }
  return reached;
}

/** Whether a statement calls a routine that may write, by itself or in a view. While the schema is not known, every function that is not the server's own is one. */
export function callsWritingRoutine(tokens: readonly Token[], schema: Schema | undefined): boolean {
  if (schema === undefined) return unknownCallIn(tokens, () => false) !== undefined;
  if (!schema.hasRoutines) return false;
  return (
    tokens.some((token, index) => isCall(tokens, index) && isRoutine(tokens, index, schema) && schema.writes(token.text)) ||
    tokens.some((token) => isName(token) && schema.callsWhenRead(token.text))
  );
}

/** The first routine that it calls: one that the schema knows, or one of another database or of a package. */
export function calledRoutine(tokens: readonly Token[], schema: Schema): string | undefined {
  return tokens.find((_, index) => isCall(tokens, index) && isRoutine(tokens, index, schema))?.text;
}

function isRoutine(tokens: readonly Token[], index: number, schema: Schema): boolean {
  const text = tokens[index]?.text ?? '';
  return schema.hasRoutine(text) || (isPartOfName(tokens, index) && !schema.has(text));
}
