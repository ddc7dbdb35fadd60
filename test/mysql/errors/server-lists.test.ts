/** The table of error numbers against the server's own list: a number that is new there fails until it is classed, or listed here as irrelevant. */
import { expect, it } from 'vitest';
import { ERROR_ROWS, rowOf } from '../../../src/mysql/errors/error-table.js';
import { createDatabase } from '../../support/servers/database.js';
import { serverMessages } from '../../support/sql-servers/error-messages.js';

/** Words of messages about connections, sessions and retries. */
const ABOUT_CONNECTIONS =
  /connection|session (?:was|is)|disconnect|shut ?down|\bkill|read.?only (?:mode|transaction|option)|lock wait|deadlock|\bretry|try again|try restarting|gone away|access denied|authentication|log in\b|offline|account is|secure.transport|communication|handshake|network|interrupted|must reset|blocked because|password has expired|rolled back/iu;

/** Messages with such words that say nothing about the pool's own connection: privileges, replication, XA, bulk loads, clones, warnings. */
const IRRELEVANT = {
  mysql: [
    1076, 1196, 1197, 1201, 1227, 1402, 1408, 1432, 1433, 1613, 1614, 1617, 1620, 1622, 1705, 1751, 1752, 1760, 1763, 1799, 1802, 1806,
    1871, 1885, 3012, 3042, 3096, 3097, 3160, 3193, 3199, 3202, 3549, 3630, 3633, 3639, 3671, 3745, 3746, 3747, 3871, 3872, 3894, 3957,
    3983, 3984, 3989, 3990, 3991, 3992, 3993, 4030, 4044, 4050, 4056, 4057, 4058, 4059, 4061, 4062, 4063, 4080, 4085, 4102, 4138, 4156,
    6003, 6009, 6024, 6026, 6038, 6060,
  ],
  mariadb: [
    1196, 1197, 1227, 1402, 1408, 1432, 1433, 1613, 1614, 1617, 1620, 1622, 1743, 1751, 1752, 1763, 1799, 1802, 1806, 1837, 1934, 3012,
    3042, 4167, 4192,
  ],
};

/** The numbers that were read through. */
const READ_THROUGH = {
  mysql: [
    [1000, 1888],
    [3000, 3238],
    [3500, 4169],
    [6000, 6141],
    [6400, 6579],
  ],
  mariadb: [
    [1000, 1982],
    [3000, 3159],
    [4000, 4208],
  ],
} as const;

/** Numbers that MySQL has given up keep their messages, and are sent no more. */
const GIVEN_UP = /^OBSOLETE_/u;

it('every number of the server’s that speaks of connections, sessions or retries is classed', async () => {
  await using database = await createDatabase();
  const { family } = database.server;
  const messages = await serverMessages(database);
  expect(messages.size).toBeGreaterThan(1_000);

  const unclassed = [...messages].filter(
    ([errno, message]) =>
      !GIVEN_UP.test(message) && ABOUT_CONNECTIONS.test(message) && rowOf(errno) === undefined && !IRRELEVANT[family].includes(errno),
  );
  expect(unclassed).toEqual([]);
  const unread = [...messages].filter(([errno]) => !READ_THROUGH[family].some(([first, last]) => first <= errno && errno <= last));
  expect(unread).toEqual([]);

  const missing = ERROR_ROWS.filter(({ source, errno }) => source === family && !messages.has(errno));
  expect(missing).toEqual([]);
});

it('a number that this server uses for something else is an error of the work here', async () => {
  await using database = await createDatabase();
  const { family } = database.server;
  const messages = await serverMessages(database);
  const seen = ERROR_ROWS.filter(({ unless }) => unless !== undefined).map(({ errno, source }) => {
    const message = messages.get(errno)?.replace(/^[A-Z_]+: /u, '');
    return [errno, message === undefined || (rowOf(errno, message) !== undefined) === (source === family)];
  });
  expect(seen).toEqual(seen.map(([errno]) => [errno, true]));
});

it('no number stands in the table twice', () => {
  const numbers = ERROR_ROWS.map(({ errno }) => errno);
  expect(new Set(numbers).size).toBe(numbers.length);
});
