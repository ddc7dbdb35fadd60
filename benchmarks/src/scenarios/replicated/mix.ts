import type { ReadWritePool } from '../../rivals/replicated/read-write-pool.js';
import type { Figures } from '../../scenario.js';
import { costOf, inParallel, turnsOf } from '../timing.js';
import { CALLERS } from './settings.js';
import { newId, read, STATEMENTS_OF_A_TURN, write } from './turn.js';

/** Callers who write, read what they have written, and read on. Any failure ends the run: nothing is wrong with the servers. */
export async function runMix(pool: ReadWritePool, statements: number): Promise<Figures> {
  const turns = turnsOf(statements / STATEMENTS_OF_A_TURN, CALLERS, 1);
  let stale = 0;
  const turn = async (): Promise<void> => {
    const id = newId();
    await write(pool, id);
    if (!(await read(pool, id))) stale += 1;
    for (let done = 2; done < STATEMENTS_OF_A_TURN; done += 1) await read(pool, id);
  };
  const cost = await costOf(turns * CALLERS * STATEMENTS_OF_A_TURN, () => inParallel(CALLERS, turns, turn));
  return { ...cost, stale: (100 * stale) / (turns * CALLERS) };
}
