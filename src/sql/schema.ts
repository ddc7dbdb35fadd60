/** The tables, views, triggers, foreign keys and routines of a database, and which tables stand behind a name. */

import { isNamePart } from './characters.js';
import { isName, type StatementTokens, type Token, tokenListsOf } from './token-list.js';
import { BY_DEFAULT, OTHER_READINGS } from './tokens.js';

/** What the server says of them. Names are without their database, in small letters. */
export interface SchemaFacts {
  readonly tables: readonly string[];
  /** Undefined where the definition is not shown to this user. */
  readonly views: readonly { readonly name: string; readonly definition: string | undefined }[];
  readonly triggers: readonly { readonly table: string; readonly body: string | undefined }[];
  /** Foreign keys by which a change of `parent` changes `child`. */
  readonly cascades: readonly { readonly parent: string; readonly child: string }[];
  readonly routines: readonly string[];
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
  /** For views what they show, for tables what triggers and foreign keys change with them; one step. */
  readonly #views = new Map<string, Reach>();
  readonly #effects = new Map<string, Reach>();

  constructor(facts: SchemaFacts) {
    this.epoch = facts.epoch;
    this.#tables = new Set(facts.tables);
    this.#routines = new Set(facts.routines);
    const viewNames = new Set(facts.views.map(({ name }) => name));
    const namesIn = (text: string | undefined): Reach => this.#namesIn(text, viewNames);
    for (const { name, definition } of facts.views) this.#views.set(name, union(this.#views.get(name), namesIn(definition)));
    for (const { table, body } of facts.triggers) this.#effects.set(table, union(this.#effects.get(table), namesIn(body)));
    for (const { parent, child } of facts.cascades) this.#effects.set(parent, union(this.#effects.get(parent), new Set([child])));
  }

  has(name: string): boolean {
    return this.#tables.has(name) || this.#views.has(name);
  }

  hasRoutine(name: string): boolean {
    return this.#routines.has(name);
  }

  get hasRoutines(): boolean {
    return this.#routines.size > 0;
  }

  /** Whether the name of a routine stands somewhere in a text: it calls none otherwise. Much sooner answered for long texts than by reading them. */
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

  /** The tables that may change when this table or view is written, itself included. */
  changedBy(name: string): Reach {
    return closure(name, (step) => union(this.#views.get(step), this.#effects.get(step) ?? NOTHING));
  }

  /** The tables that a text names; everything when it calls a routine, or is not known. It was written under some sql_mode: each counts. */
  #namesIn(text: string | undefined, viewNames: ReadonlySet<string>): Reach {
    if (text === undefined) return 'everything';
    const named = new Set<string>();
    const { statements, unterminated, unclear, escapedQuote } = tokenListsOf(text, BY_DEFAULT);
    if (unterminated || unclear || !this.#collect(statements, viewNames, named)) return 'everything';
    if (!escapedQuote) return named;
    const readings = OTHER_READINGS.map((reading) => tokenListsOf(text, reading).statements);
    return readings.every((reading) => this.#collect(reading, viewNames, named)) ? named : 'everything';
  }

  /** Adds the tables that these statements name. False when they call a routine. */
  #collect(statements: readonly StatementTokens[], viewNames: ReadonlySet<string>, named: Set<string>): boolean {
    for (const { tokens } of statements) {
      for (const token of tokens) {
        if (!isName(token)) continue;
        const { kind, text } = token;
        if (this.#routines.has(text) || (kind === 'word' && (text === 'call' || text === 'execute'))) return false;
        if (this.#tables.has(text) || viewNames.has(text)) named.add(text);
      }
    }
    return true;
  }
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

/** Whether a statement calls a routine that the schema knows. */
export function callsRoutine(tokens: readonly Token[], schema: Schema | undefined): boolean {
  return schema?.hasRoutines === true && calledRoutine(tokens, schema) !== undefined;
}

/** The first routine that it calls. */
export function calledRoutine(tokens: readonly Token[], schema: Schema): string | undefined {
  return tokens.find((token, index) => isName(token) && tokens[index + 1]?.text === '(' && schema.hasRoutine(token.text))?.text;
}
