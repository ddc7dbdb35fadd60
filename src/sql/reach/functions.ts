/** The server's own functions by what their answers depend on, and the calls in a statement that are of none of them. */

import { COMPUTING_FUNCTIONS, MOMENT_FUNCTIONS, MOMENT_WORDS } from '../own-functions.js';
import { isName, isPartOfName, type Token } from '../token-list.js';
import { wordSet } from '../words.js';

/** What depends on the session, or changes something: the answer is for this caller only. They count without brackets, too. */
const OF_THE_SESSION =
  wordSet(`benchmark connection_id currval current_role current_user found_rows get_lock is_free_lock is_used_lock last_insert_id lastval
  load_file master_gtid_wait master_pos_wait nextval ps_current_thread_id release_all_locks release_lock row_count session_user setval sleep
  source_pos_wait sql_calc_found_rows system_user wait_for_executed_gtid_set wait_until_sql_thread_after_gtids`);

/** The same, where a bracket follows: many tables and columns have these names. */
const OF_THE_SESSION_WHEN_CALLED = wordSet('database schema user');

/** What is another value at each call, or at another time, without a write. Words of the language, which need no brackets; */
const OF_THE_MOMENT = wordSet(MOMENT_WORDS);

/** and functions. */
const OF_THE_MOMENT_WHEN_CALLED = wordSet(MOMENT_FUNCTIONS);

/** It is the time when it is called without an argument. */
const CLOCK = 'unix_timestamp';

const COMPUTING = wordSet(COMPUTING_FUNCTIONS);

/** The same, of geometry. Those that begin with `st_` and `mbr` are known by that. */
const OF_GEOMETRY =
  wordSet(`asbinary astext aswkb aswkt boundary buffer centroid contains convexhull crosses dimension disjoint endpoint envelope equals
  exteriorring geomcollection geomcollfromtext geomcollfromwkb geometrycollection geometrycollectionfromtext geometrycollectionfromwkb
  geometryfromtext geometryfromwkb geometryn geometrytype geomfromtext geomfromwkb glength interiorringn intersects isclosed isempty isring
  issimple linefromtext linefromwkb linestring linestringfromtext linestringfromwkb mlinefromtext mlinefromwkb mpointfromtext mpointfromwkb
  mpolyfromtext mpolyfromwkb multilinestring multilinestringfromtext multilinestringfromwkb multipoint multipointfromtext multipointfromwkb
  multipolygon multipolygonfromtext multipolygonfromwkb numgeometries numinteriorrings numpoints overlaps point pointfromtext pointfromwkb
  pointn pointonsurface polyfromtext polyfromwkb polygon polygonfromtext polygonfromwkb srid startpoint touches within x y`);

/** Words of the language behind which a bracket may stand, types included. */
const LANGUAGE =
  wordSet(`add against algorithm all and any as asc begin between bigint binary bit blob bool boolean by call case char character
  check column columns condition constraint cross cube cursor date datetime dec decimal declare delayed delete desc distinct distinctrow div do
  double duplicate else elseif empty end enum error escape except exists fixed float for force foreign from full group hash having high_priority
  if ignore in index inner insert int int1 int2 int3 int4 int8 integer intersect interval into is iterate join json key keys lateral leave left
  less like limit linear list long longblob longtext loop low_priority match materialized mediumblob mediumint mediumtext member middleint minus
  national natural nchar nested not number numeric nvarchar of offset on or order ordinality outer over partition partitions path period
  precision primary range raw read real recursive references regexp repeat replace resignal return returning returns right rlike rollup row rows
  select separator set signal signed smallint some sounds straight_join subpartition system_time table tables text than then time timestamp
  tinyblob tinyint tinytext truncate union unique unsigned until update use using value values varbinary varchar varchar2 varcharacter varying
  vector versions when where while window with xor year zerofill`);

/** Why a statement's answer is not only what is in its tables. */
export type Volatility =
  /** It is the session's own; `why` in the words of a reason. */
  | { readonly kind: 'session'; readonly why: string }
  /** It changes without a write. */
  | { readonly kind: 'moment'; readonly why: string };

/** Databases whose tables are the server's own views of itself. */
const OF_THE_SERVER = wordSet('information_schema mysql performance_schema sys');

/** The worst that a text uses: what belongs to the session, else what changes without a write, else nothing. */
export function volatilityOf(tokens: readonly Token[]): Volatility | undefined {
  let found: Volatility | undefined = undefined;
  for (let index = 0; index < tokens.length; index += 1) {
    const token = volatilityAt(tokens, index);
    if (token?.kind === 'session') return token;
    found ??= token;
  }
  return found;
}

function volatilityAt(tokens: readonly Token[], index: number): Volatility | undefined {
  const { kind, text } = tokens[index] as Token;
  if (kind === 'variable') return { kind: 'session', why: `it uses ${text}` };
  if (kind !== 'word' && kind !== 'name') return undefined;
  const next = tokens[index + 1]?.text;
  const isCalled = next === '(';
  if (isCalled ? isOfSession(text) : kind === 'word' && OF_THE_SESSION.has(text)) return { kind: 'session', why: `it uses ${text}` };
  if (kind === 'word' && text === 'value' && isOfSequence(tokens[index - 1]?.text, next))
    return { kind: 'session', why: 'it takes a number from a sequence' };
  if (isCalled ? isOfMoment(tokens, index) : kind === 'word' && OF_THE_MOMENT.has(text) && !isPartOfName(tokens, index))
    return { kind: 'moment', why: `it uses ${text}` };
  if (next === '.' && OF_THE_SERVER.has(text) && !isPartOfName(tokens, index)) return { kind: 'moment', why: `it reads ${text}` };
  return undefined;
}

function isOfSession(text: string): boolean {
  return OF_THE_SESSION.has(text) || OF_THE_SESSION_WHEN_CALLED.has(text);
}

/** NEXT VALUE FOR and PREVIOUS VALUE FOR. */
function isOfSequence(previous: string | undefined, next: string | undefined): boolean {
  return (previous === 'next' || previous === 'previous') && next === 'for';
}

function isOfMoment(tokens: readonly Token[], index: number): boolean {
  const text = tokens[index]?.text ?? '';
  if (text === CLOCK) return tokens[index + 2]?.text === ')';
  return OF_THE_MOMENT.has(text) || OF_THE_MOMENT_WHEN_CALLED.has(text);
}

/**
 * The first name before a bracket that is no function of the server's, no word of the language and no table: a stored or a loaded function.
 *
 * @param isTable whether a name is a table's, whose columns may follow in brackets
 */
export function unknownCallIn(tokens: readonly Token[], isTable: (name: string) => boolean): string | undefined {
  for (let index = 0; index + 1 < tokens.length; index += 1) {
    const token = tokens[index] as Token;
    if (tokens[index + 1]?.text !== '(' || tokens[index + 1]?.kind !== 'sign' || !isName(token)) continue;
    if (!isKnownCall(tokens, index) && !isTable(token.text)) return token.text;
  }
  return undefined;
}

/** Of a name before a bracket: the server's own functions stand there without quotes and without a database. */
function isKnownCall(tokens: readonly Token[], index: number): boolean {
  const { kind, text } = tokens[index] as Token;
  const previous = tokens[index - 1];
  // A derived table's alias, whose columns follow; MariaDB and MySQL quote it where they show a view.
  if (previous?.text === ')' || (previous?.kind === 'word' && previous.text === 'as')) return true;
  return kind === 'word' && !isPartOfName(tokens, index) && isServersOwn(text);
}

function isServersOwn(text: string): boolean {
  return (
    COMPUTING.has(text) ||
    LANGUAGE.has(text) ||
    isOfSession(text) ||
    OF_THE_MOMENT.has(text) ||
    OF_THE_MOMENT_WHEN_CALLED.has(text) ||
    OF_GEOMETRY.has(text) ||
    text === CLOCK ||
    text.startsWith('st_') ||
    text.startsWith('mbr')
  );
}
