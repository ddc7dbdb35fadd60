import type { Case, Contestant, Questions, Scenario } from '../scenario.js';
import { scenarioNamed } from '../scenarios/index.js';
import { fixedWorkMs } from '../conditions/calibration.js';
import type { Notice, Order, SentSurroundings } from './messages.js';

/** The process of one contestant in one scenario: none pays for the garbage, the type feedback or the timers of another. */
const answers = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
let questions = 0;
let scenario: Scenario | undefined;
let contestant: Contestant | undefined;

function tell(notice: Notice): void {
  process.send?.(notice);
}

function question<T>(name: keyof Questions): Promise<T> {
  const id = (questions += 1);
  return new Promise((resolve, reject) => {
    answers.set(id, { resolve, reject });
    tell({ kind: 'question', id, name });
  });
}

const ask: Questions = {
  connections: () => question('connections'),
  killDatabase: () => question('killDatabase'),
  startDatabase: () => question('startDatabase'),
  freezeDatabase: () => question('freezeDatabase'),
  thawDatabase: () => question('thawDatabase'),
  switchSource: () => question('switchSource'),
  loseSource: () => question('loseSource'),
  restoreSource: () => question('restoreSource'),
};

async function create(scenarioName: string, contestantName: string, surroundings: SentSurroundings): Promise<void> {
  scenario = await scenarioNamed(scenarioName);
  const make = scenario.contestants[contestantName];
  if (make === undefined) throw new Error(`There is no contestant '${contestantName}' in '${scenarioName}'.`);
  contestant = await make({ ...surroundings, ask });
  tell({ kind: 'ready', connections: contestant.connections });
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case 'create':
      return await create(order.scenario, order.contestant, order.surroundings);
    case 'run': {
      const setting = scenario?.cases[order.setting] as Case;
      const before = scenario?.steadyMachine ? fixedWorkMs() : 0;
      const figures = await (contestant as Contestant).run(setting, order.round);
      return tell({ kind: 'figures', figures, ...(before > 0 ? { fixedWorkMs: Math.max(before, fixedWorkMs()) } : {}) });
    }
    case 'close': {
      await contestant?.close();
      process.disconnect();
      return;
    }
    case 'answer': {
      const { resolve, reject } = answers.get(order.id) as { resolve: (value: never) => void; reject: (error: Error) => void };
      answers.delete(order.id);
      if (order.error === undefined) resolve(order.value as never);
      else reject(new Error(order.error));
    }
  }
}

function fail(error: unknown): void {
  tell({ kind: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

process.on('message', (order: Order) => {
  obey(order).catch(fail);
});
// A contestant whose runner is gone has nothing to do; one that was closed has only its open handles to wait for.
process.once('disconnect', () => setTimeout(() => process.exit(), 1_000).unref());
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
