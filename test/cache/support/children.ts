import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { CacheStats, QueryCacheOptions } from '../../../src/cache/index.js';
import type { StatementOptions } from '../../../src/mysql/contract/statement-options.js';
import { bundledProgram, PROGRAM_FOLDER } from '../../support/bundled-program.js';

/** What a child asks its pool on request, this many times at once. */
export interface Question {
  readonly statement: StatementOptions;
  readonly callers: number;
}

/** What a child reports. */
export type Answer =
  | { readonly kind: 'ready' }
  /** All callers have asked. */
  | { readonly kind: 'asked' }
  | {
      readonly kind: 'answered';
      /** What they were given, each different answer once. */
      readonly answers: readonly string[];
      readonly count: number;
      readonly stats: CacheStats;
    };

/** A process of its own with a pool and a cache that serves. */
export interface Child {
  readonly pid: number;
  /** Makes it ask. Resolves when all callers have asked; `answered` when all of them were answered. */
  ask(question: Question): Promise<{ readonly answered: Promise<Answer & { readonly kind: 'answered' }> }>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts processes. Ends them with the returned object. */
export async function startChildren(
  count: number,
  databaseUrl: string,
  options: QueryCacheOptions,
): Promise<AsyncDisposable & { readonly children: readonly Child[] }> {
  const program = await bundledProgram(new URL('child.ts', import.meta.url));
  const forked = Array.from({ length: count }, () => fork(program, [databaseUrl, JSON.stringify(options)], { cwd: PROGRAM_FOLDER }));
  await Promise.all(forked.map((child) => told(child, 'ready')));
  return {
    children: forked.map((child) => ({
      pid: child.pid as number,
      async ask(question) {
        const [asked, answered] = [told(child, 'asked'), told(child, 'answered')];
        // It may be killed before it can answer.
        answered.catch(() => undefined);
        child.send(question);
        await asked;
        return { answered };
      },
      async kill(signal) {
        const ended = once(child, 'exit');
        child.kill(signal);
        await ended;
      },
    })),
    async [Symbol.asyncDispose]() {
      const alive = forked.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      await Promise.all(
        alive.map(async (child) => {
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        }),
      );
    },
  };
}

function told<K extends Answer['kind']>(child: ChildProcess, kind: K): Promise<Answer & { readonly kind: K }> {
  return new Promise((resolve, reject) => {
    const hear = (answer: unknown): void => {
      if ((answer as Answer).kind !== kind) return;
      child.off('message', hear).off('exit', end);
      resolve(answer as Answer & { readonly kind: K });
    };
    const end = (): void => reject(new Error(`The process ended before it was ${kind}.`));
    child.on('message', hear).once('exit', end);
  });
}
