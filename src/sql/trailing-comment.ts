/** The comment with which a tracer marks a statement, in sqlcommenter's form, and where it stands in the text. */

/** It has no encoding. */
const HALF_CHARACTER = /\p{Surrogate}/gu;

const SPACES_AND_SEMICOLONS = ' \t\n\r\f\v;';

/**
 * A comment such as `traceparent='00-…-01',tracestate='…'`: keys in order, keys and values encoded as in a URL. No value can end the comment, begin a hint or
 * be run by a server. Undefined where there is nothing to say (https://google.github.io/sqlcommenter/spec/).
 */
export function commentOf(tags: Readonly<Record<string, string>>): string | undefined {
  const pairs = Object.entries(tags).map(([key, value]) => `${encoded(key)}='${encoded(value)}'`);
  return pairs.length === 0 ? undefined : `/*${pairs.toSorted().join(',')}*/`;
}

/**
 * The text with the comment at its end: before semicolons there, behind which a server would take it for a further statement. Undefined where
 * the text already ends in such a comment, and where there is no statement.
 */
export function withTrailingComment(sql: string, comment: string): string | undefined {
  let end = sql.length;
  while (end > 0 && SPACES_AND_SEMICOLONS.includes(sql.charAt(end - 1))) end -= 1;
  if (end === 0 || endsInTags(sql, end)) return undefined;
  return `${sql.slice(0, end)} ${comment}${sql.slice(end)}`;
}

function endsInTags(sql: string, end: number): boolean {
  if (!sql.endsWith("'*/", end) && !sql.endsWith("' */", end)) return false;
  const begin = sql.lastIndexOf('/*', end);
  if (begin === -1) return false;
  const inside = sql.slice(begin + 2, end - 2);
  return inside.indexOf("='") > 0 && !inside.includes('*/');
}

/** encodeURIComponent leaves these as they are: a quote would end a value, a star or an exclamation mark may change what a comment is. */
function encoded(text: string): string {
  return encodeURIComponent(text.replace(HALF_CHARACTER, '\uFFFD')).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
