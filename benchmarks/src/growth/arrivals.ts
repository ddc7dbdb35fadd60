/** Arrivals of callers at a warm pool: bursts of callers who come back or not, and streams of callers that grow. */

import type { Contender, Start } from './contenders.js';

/** A scene: how the pool is before it, and what callers do. */
export interface Arrivals extends Omit<Start, 'time'> {
  /** Callers, each with the moment at which they come, and how many uses they have, one after the other. */
  readonly callers: readonly { readonly atMs: number; readonly turns: number }[];
  /** How long a use takes, drawn again for each. */
  readonly useOf: (random: () => number) => number;
}

const LIMIT = 50;
const WARM = 5;

/** HikariCP's test: fifty callers at once, on five connections. */
export function spike(turns: number, useMs: number): Arrivals {
  const callers = Array.from({ length: 50 }, () => ({ atMs: 0, turns }));
  return { warm: WARM, limit: LIMIT, openMs: 150, useMs, callers, useOf: () => useMs };
}

/** Callers within a moment, who have one use or many; times that a pool meets between a local socket and another continent. */
export function drawnBurst(random: () => number): Arrivals {
  const between = (least: number, most: number): number => least * (most / least) ** random();
  const useMs = between(0.5, 100);
  const openMs = between(2, 300);
  const within = random() < 0.5 ? 0 : random() * openMs;
  const turns = random() < 0.5 ? 1 : Math.round(between(2, 40));
  const callers = Array.from({ length: Math.round(between(6, 200)) }, () => ({ atMs: random() * within, turns }));
  return { warm: WARM, limit: LIMIT, openMs, useMs, callers, useOf: (draw) => -useMs * Math.log(1 - draw()) };
}

/** Callers who come one by one and have one use each: at first as many as five connections serve at ease, then up to ten times as many. */
export function drawnStream(random: () => number): Arrivals {
  const useMs = 0.5 * 200 ** random();
  const openMs = 2 * 150 ** random();
  const lengthMs = 20 * Math.max(useMs, openMs);
  const callers: { atMs: number; turns: number }[] = [];
  const after = 0.5 + random() * 9;
  for (let atMs = 0; atMs < lengthMs && callers.length < 800; ) {
    callers.push({ atMs, turns: 1 });
    const busy = WARM * (atMs < lengthMs / 4 ? 0.5 : after * 0.5);
    atMs += (-useMs / busy) * Math.log(1 - random());
  }
  return { warm: WARM, limit: LIMIT, openMs, useMs, callers, useOf: (draw) => -useMs * Math.log(1 - draw()) };
}

/** What callers had of it. */
export interface Outcome {
  readonly uses: number;
  /** The sum of all waits. */
  readonly waitedMs: number;
  /** From the first caller to the end of the last use. */
  readonly lengthMs: number;
  /** Connections that were opened beside those of the start. */
  readonly opened: number;
}

/** Plays a scene. */
export async function play(arrivals: Arrivals, pool: Contender, { time }: Pick<Start, 'time'>, random: () => number): Promise<Outcome> {
  const startedAt = time.now();
  let waitedMs = 0;
  let uses = 0;
  const { opened } = pool;
  await Promise.all(
    arrivals.callers.map(async ({ atMs, turns }) => {
      if (atMs > 0) await time.wait(atMs);
      for (let turn = 0; turn < turns; turn += 1) {
        const askedAt = time.now();
        const release = await pool.acquire();
        waitedMs += time.now() - askedAt;
        uses += 1;
        await time.wait(arrivals.useOf(random));
        release();
      }
    }),
  );
  return { uses, waitedMs, lengthMs: time.now() - startedAt, opened: pool.opened - opened };
}
