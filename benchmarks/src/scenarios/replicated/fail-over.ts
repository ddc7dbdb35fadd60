import { setTimeout as sleep } from 'node:timers/promises';
import type { ReadWritePool } from '../../rivals/replicated/read-write-pool.js';
import type { Figures } from '../../scenario.js';
import { CALLERS, CAP_MS, RETRY_MS } from './settings.js';
import { newId, read, STATEMENTS_OF_A_TURN, write } from './turn.js';

/** How long all is well before the switch, and after writes are acknowledged again. */
const CALM_MS = 500;

/** How often it is looked whether writes are acknowledged again. */
const POLL_MS = 20;

/** Statements that have not ended so long after the end are counted as failed. */
const LAST_CALL_MS = 1_000;

/** When statements of one kind were answered, and how many were not. */
class Answers {
  failed = 0;
  longestGapMs = 0;
  lastAt = performance.now();
  underWay = 0;

  async of<T>(statement: () => Promise<T>): Promise<T | undefined> {
    this.underWay += 1;
    try {
      const answer = await statement();
      this.#gapUntil(performance.now());
      this.lastAt = performance.now();
      return answer;
    } catch {
      this.failed += 1;
      await sleep(RETRY_MS);
      return undefined;
    } finally {
      this.underWay -= 1;
    }
  }

  /** What has not come back counts up to now. */
  end(at: number): void {
    this.#gapUntil(at);
    this.failed += this.underWay;
  }

  #gapUntil(now: number): void {
    this.longestGapMs = Math.max(this.longestGapMs, now - this.lastAt);
  }
}

/** Callers work without a break while the right to write moves. */
export async function failOverUnderLoad(pool: ReadWritePool, move: () => Promise<number>): Promise<Figures> {
  const [writes, reads] = [new Answers(), new Answers()];
  const state = { going: true, stale: 0 };
  const caller = async (): Promise<void> => {
    while (state.going) {
      const id = newId();
      const written = await writes.of(() => write(pool, id).then(() => true));
      for (let done = 1; state.going && done < STATEMENTS_OF_A_TURN; done += 1) {
        const found = await reads.of(() => read(pool, id));
        if (written === true && found === false && done === 1) state.stale += 1;
      }
    }
  };
  const callers = Array.from({ length: CALLERS }, caller);
  await sleep(CALM_MS);
  const serversMs = await move();
  const movedAt = performance.now();
  while (writes.lastAt < movedAt && performance.now() - movedAt < CAP_MS) await sleep(POLL_MS);
  if (writes.lastAt >= movedAt) await sleep(CALM_MS);
  const endedAt = performance.now();
  state.going = false;
  await Promise.race([Promise.all(callers), sleep(LAST_CALL_MS)]);
  writes.end(endedAt);
  reads.end(endedAt);
  return {
    noWrite: Math.min(writes.longestGapMs, CAP_MS),
    servers: serversMs,
    noRead: Math.min(reads.longestGapMs, CAP_MS),
    failedWrites: writes.failed,
    failedReads: reads.failed,
    staleReads: state.stale,
  };
}
