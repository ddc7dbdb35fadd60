/** The server's own functions by what their answers depend on, and the calls in a statement that are of none of them. */

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
const OF_THE_MOMENT = wordSet('current_date current_time current_timestamp localtime localtimestamp utc_date utc_time utc_timestamp');

/** and functions. */
const OF_THE_MOMENT_WHEN_CALLED = wordSet(`binlog_gtid_pos curdate curtime encrypt icu_version now rand random_bytes sys_guid sysdate uuid
  uuid_short uuid_v4 uuid_v7 uuidv4 uuidv7 version wsrep_last_seen_gtid wsrep_last_written_gtid wsrep_sync_wait_upto_gtid`);

/** It is the time when it is called without an argument. */
const CLOCK = 'unix_timestamp';

/** Functions of both servers that only compute (MySQL reference manual, "Functions and Operators"; MariaDB knowledge base, "Built-in Functions"). */
const COMPUTING =
  wordSet(`abs acos add_months adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg bin bin_to_uuid bit_and bit_count
  bit_length bit_or bit_xor cast ceil ceiling char_length character_length charset chr coalesce coercibility collation column_add column_check
  column_create column_delete column_exists column_get column_json column_list compress concat concat_ws conv convert convert_tz cos cot count
  crc32 crc32c cume_dist date_add date_format date_sub datediff day dayname dayofmonth dayofweek dayofyear decode decode_oracle default degrees
  dense_rank des_decrypt des_encrypt distance elt encode etag exp export_set extract extractvalue field find_in_set first_value floor format
  format_bytes format_pico_time from_base64 from_days from_unixtime from_vector get_format greatest group_concat grouping gtid_subset
  gtid_subtract hex hour ifnull inet6_aton inet6_ntoa inet_aton inet_ntoa instr is_ipv4 is_ipv4_compat is_ipv4_mapped is_ipv6 is_uuid isnull
  json_array json_array_append json_array_insert json_arrayagg json_compact json_contains json_contains_path json_depth json_detailed
  json_equals json_exists json_extract json_insert json_keys json_length json_loose json_merge json_merge_patch json_merge_preserve
  json_normalize json_object json_objectagg json_overlaps json_pretty json_query json_quote json_remove json_replace json_schema_valid
  json_schema_validation_report json_search json_set json_storage_free json_storage_size json_table json_type json_unquote json_valid
  json_value kdf lag last_day last_value lcase lead least length lengthb ln locate log log10 log2 lower lpad lpad_oracle ltrim ltrim_oracle
  make_set makedate maketime max md5 median microsecond mid min minute mod month monthname name_const natural_sort_key nth_value ntile nullif
  nvl nvl2 oct octet_length old_password ord password percent_rank percentile_cont percentile_disc period_add period_diff pi position pow power
  quarter quote radians rank regexp_instr regexp_like regexp_replace regexp_substr replace_oracle reverse round row_number rownum rpad
  rpad_oracle rtrim rtrim_oracle sec_to_time second sformat sha sha1 sha2 sign sin soundex space sqrt statement_digest statement_digest_text
  std stddev stddev_pop stddev_samp str_to_date strcmp string_to_vector subdate substr substr_oracle substring substring_index subtime sum tan
  time_format time_to_sec timediff timestampadd timestampdiff to_base64 to_char to_days to_number to_seconds to_vector trim trim_oracle
  truncate ucase uncompress uncompressed_length unhex updatexml upper uuid_to_bin validate_password_strength var_pop var_samp variance
  vec_distance vec_distance_cosine vec_distance_euclidean vec_fromtext vec_totext vector_dim vector_to_string week weekday weekofyear
  weight_string yearweek`);

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
