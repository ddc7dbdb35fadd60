/** The three stages that each application goes through: restarts of the server, an exhausted pool, a cut of idle connections. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import type { PrivateServer } from '../../src/demo/private-server.js';
import type { Application } from './application.js';
import { Tally, Visitor } from './visitor.js';

/** What a stage is given. */
export interface Stage {
  readonly application: Application;
  readonly url: string;
  readonly server: PrivateServer;
  /** A session of the administrator, in the application's database. */
  connectAsAdmin(): Promise<Connection>;
  /** How long the server keeps an idle connection, from its next start. */
  setWaitTimeout(seconds: number): void;
}

/** What was seen in a stage. */
export interface Seen {
  readonly tally: Tally;
  /** Of the failed requests, by when they were sent: before the fault that they met, in it, after it. */
  readonly failedBefore: number;
  readonly failedDuring: number;
  readonly failedAfter: number;
  /** How long each fault lasted. */
  readonly awayMs: readonly number[];
  /** From the server's return to the first good answer to a request sent after it, per fault. */
  readonly recoveryMs: readonly number[];
  readonly longestMs: number;
}

/** The server closes a connection that is idle for longer, in the stage of the idle cut. */
const WAIT_TIMEOUT_S = 3;
/** The server's default. */
export const LONG_WAIT_TIMEOUT_S = 28_800;

/** Before each restart, and after the last one. */
const PEACE_MS = 5_000;

const FINISH_TIMEOUT_MS = 300_000;

interface Crowd {
  readonly tally: Tally;
  /** Lets every visitor finish its task. */
  end(): Promise<void>;
}

function start({ application, url }: Stage, called: string, tally: Tally = new Tally()): Crowd {
  const abandon = new AbortController();
  const ending = new AbortController();
  const visitors = Array.from({ length: application.visitors }, async (_, number) => {
    for (let round = 0; !ending.signal.aborted; round += 1) {
      const task = `${called}-${number}-${round}`;
      tally.unfinished.add(task);
      try {
        await application.visit(new Visitor(url, task, tally, abandon.signal));
        tally.unfinished.delete(task);
      } catch (error) {
        if (!abandon.signal.aborted) throw error;
      }
    }
  });
  const all = Promise.all(visitors);
  all.catch(() => undefined);
  return {
    tally,
    async end() {
      ending.abort();
      const timer = setTimeout(() => abandon.abort(), FINISH_TIMEOUT_MS);
      await all;
      clearTimeout(timer);
    },
  };
}

interface Fault {
  readonly from: number;
  readonly back: number;
}

function seen(tally: Tally, windows: readonly Fault[]): Seen {
  const failed = tally.answers.filter(({ ok }) => !ok);
  const wasAway = (at: number): boolean => windows.some(({ from, back }) => at >= from && at < back);
  const during = failed.filter(({ sentAt }) => wasAway(sentAt)).length;
  // It was under way when the server went.
  const wasMet = (sentAt: number, answeredAt: number): boolean => windows.some(({ from }) => sentAt < from && answeredAt >= from);
  const before = failed.filter(({ sentAt, answeredAt }) => !wasAway(sentAt) && wasMet(sentAt, answeredAt)).length;
  return {
    tally,
    failedBefore: before,
    failedDuring: during,
    failedAfter: failed.length - before - during,
    awayMs: windows.map(({ from, back }) => back - from),
    recoveryMs: windows.map(({ back }) => {
      const good = tally.answers.filter(({ ok, sentAt }) => ok && sentAt >= back).map(({ answeredAt }) => answeredAt - back);
      return Math.min(...good);
    }),
    longestMs: Math.max(0, ...tally.answers.map(({ sentAt, answeredAt }) => answeredAt - sentAt)),
  };
}

/** The server is ended and started again three times: in order, by SIGKILL, and in order with two seconds of absence. */
export async function restarts(stage: Stage): Promise<Seen> {
  const { server } = stage;
  const crowd = start(stage, 'restart');
  const windows: Fault[] = [];
  for (const [signal, absence] of [
    ['SIGTERM', 0],
    ['SIGKILL', 0],
    ['SIGTERM', 2_000],
  ] as const) {
    await delay(PEACE_MS);
    const from = performance.now();
    await server.kill(signal);
    await delay(absence);
    await server.restart();
    windows.push({ from, back: performance.now() });
  }
  await delay(PEACE_MS);
  await crowd.end();
  return seen(crowd.tally, windows);
}

/** For five seconds a table is locked, so that visitors hold all the connections there are, and the others wait. */
export async function exhausted(stage: Stage): Promise<Seen> {
  const crowd = start(stage, 'exhausted');
  await delay(2_000);
  const admin = await stage.connectAsAdmin();
  const from = performance.now();
  await admin.query(`LOCK TABLES ${stage.application.lockedTable} WRITE`);
  await delay(5_000);
  await admin.query('UNLOCK TABLES');
  const back = performance.now();
  await admin.end();
  await delay(3_000);
  await crowd.end();
  return seen(crowd.tally, [{ from, back }]);
}

/** Three times, all are away for longer than the server keeps an idle connection, and come back at once. */
export async function idleCut(stage: Stage): Promise<Seen> {
  stage.setWaitTimeout(WAIT_TIMEOUT_S);
  await stage.server.restart();
  const tally = new Tally();
  const windows: Fault[] = [];
  for (const round of ['before', 'first', 'second', 'third']) {
    if (round !== 'before') {
      const from = performance.now();
      await delay((WAIT_TIMEOUT_S + 2) * 1_000);
      windows.push({ from, back: performance.now() });
    }
    // The server was restarted for its setting: what that did is not counted.
    const crowd = start(stage, `idle-${round}`, round === 'before' ? new Tally() : tally);
    await delay(2_000);
    await crowd.end();
  }
  return seen(tally, windows);
}

export const RESTARTS = { 'server restarted 3 times': restarts } as const;

export const STAGES = { ...RESTARTS, 'pool exhausted for 5 s': exhausted, 'idle connections cut': idleCut } as const;
