/** One thing, one name: no two files of src export different things under the same name. */
import { describe, expect, it } from 'vitest';
import { exportedNamesOf } from './support/exported-names.js';
import { filesIn, grouped } from './support/sources.js';

const ENGINE = '`poolwright` and `poolwright/engine` each export one to their users';
const MIRRORS = "both mirrors export mysql2's name";
/** Names that may be declared in several files, and why. */
const ALLOWED: Readonly<Record<string, string>> = {
  Pool: ENGINE,
  PoolOptions: ENGINE,
  PoolStats: ENGINE,
  createPool: `${MIRRORS}, which the package itself has, too`,
  createPoolCluster: MIRRORS,
  Types: MIRRORS,
  TypedParameter: MIRRORS,
  Charsets: MIRRORS,
  CharsetToEncoding: MIRRORS,
};

describe('exported names', () => {
  const files = grouped(exportedNamesOf(filesIn('src')), ({ name }) => name);

  it('mean one thing each: rename all but one of the repeats, or export one declaration from an index', () => {
    const repeated = [...files].filter(([name, places]) => places.length > 1 && !(name in ALLOWED));
    expect(repeated.map(([name, places]) => `${name}: ${places.map(({ file }) => file).join(', ')}`)).toEqual([]);
  });

  it('that may repeat do so', () => {
    expect(Object.keys(ALLOWED).filter((name) => (files.get(name)?.length ?? 0) < 2)).toEqual([]);
  });
});
