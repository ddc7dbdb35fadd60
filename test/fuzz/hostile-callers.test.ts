// Hostile texts, values and options through every door. scripts/fuzz.mjs runs it for a long time.
import { expect, it } from 'vitest';
import { captureUncaught } from '../mysql/support/uncaught.js';
import { createDatabase } from '../support/servers/database.js';
import { freePort } from '../support/network/free-port.js';
import { valueOf } from '../support/pool-on-database.js';
import { runCampaign } from './campaign.js';
import { openDoors } from './doors.js';

/** Set by scripts/fuzz.mjs. */
const { FUZZ_CASES, FUZZ_SEED } = process.env;
const cases = Number(FUZZ_CASES ?? 3_000);
const seed = Number(FUZZ_SEED ?? 1);
/** Characters of a text at most: in the long run as many as a server takes. */
const longest = FUZZ_CASES === undefined ? 65_536 : 4_194_304;

it(`I2, I11, I12: ${cases} hostile calls from seed ${seed} are answered once each, and the pools live on`, {
  timeout: 24 * 3_600_000,
}, async () => {
  using uncaught = captureUncaught();
  await using database = await createDatabase();
  await database.admin('CREATE TABLE hostile (id INT PRIMARY KEY AUTO_INCREMENT, word VARCHAR(255))');
  await using doors = openDoors(database, await freePort());
  const report = await runCampaign(doors, uncaught, { seed, cases, longest });
  if (FUZZ_CASES !== undefined) console.log(report);
  expect(report.cases).toBe(cases);
  const [pool] = doors.pools;
  expect(pool && (await valueOf(pool, "'served'"))).toBe('served');
});
