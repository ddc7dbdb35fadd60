/** A platform of functions as they are in 2026: an instance serves several requests at once, and is frozen when it rests. */

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Address } from '../../scenario.js';
import type { Access, FromInstance, ToInstance } from './messages.js';

const INSTANCE = fileURLToPath(new URL('instance.js', import.meta.url));

export interface PlatformSettings {
  readonly access: Access;
  readonly address: Address;
  readonly waitTimeoutS: number;
  readonly mostInstances: number;
  /** Requests that an instance serves at the same time. */
  readonly concurrency: number;
}

interface Instance {
  readonly process: ChildProcess;
  readonly answers: Map<number, (error: string | undefined) => void>;
  ready: boolean;
  frozen: boolean;
  /** How many requests it was given. */
  given: number;
  awakeSince: number;
  awakeMs: number;
}

/** Routes requests to instances: to the busiest that has room, so that the others rest and freeze. */
export class Platform {
  readonly #settings: PlatformSettings;
  readonly #instances: Instance[] = [];
  readonly #queue: (() => void)[] = [];
  #requests = 0;

  constructor(settings: PlatformSettings) {
    this.#settings = settings;
  }

  get instances(): number {
    return this.#instances.length;
  }

  /** Whether all instances are frozen. */
  get sleeping(): boolean {
    return this.#instances.every(({ frozen }) => frozen);
  }

  /** How long instances were awake, all together, in milliseconds: what the platform bills. */
  get awakeMs(): number {
    return this.#instances.reduce((sum, one) => sum + one.awakeMs + (one.frozen ? 0 : performance.now() - one.awakeSince), 0);
  }

  /** Resolves when the request is answered. @throws Error with what the handler threw */
  async request(): Promise<void> {
    let instance = this.#withRoom();
    while (instance === undefined) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
      instance = this.#withRoom();
    }
    const chosen = instance;
    const id = (this.#requests += 1);
    const answered = new Promise<string | undefined>((resolve) => chosen.answers.set(id, resolve));
    chosen.given += 1;
    thaw(chosen);
    if (chosen.ready) send(chosen, { kind: 'invoke', id });
    const error = await answered;
    this.#queue.shift()?.();
    if (error !== undefined) throw new Error(error);
  }

  close(): void {
    for (const { process: child } of this.#instances) child.kill('SIGKILL');
  }

  #withRoom(): Instance | undefined {
    const open = this.#instances.filter(({ answers }) => answers.size < this.#settings.concurrency);
    const awake = open.filter(({ frozen }) => !frozen).toSorted((a, b) => b.answers.size - a.answers.size);
    return awake[0] ?? open[0] ?? (this.#instances.length < this.#settings.mostInstances ? this.#start() : undefined);
  }

  #start(): Instance {
    const { address, access, waitTimeoutS } = this.#settings;
    const instance: Instance = {
      process: fork(INSTANCE, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }),
      answers: new Map(),
      ready: false,
      frozen: false,
      given: 0,
      awakeSince: performance.now(),
      awakeMs: 0,
    };
    instance.process.on('message', (message: FromInstance) => receive(instance, message));
    instance.process.once('exit', () => {
      for (const answer of instance.answers.values()) answer('the instance has ended');
      instance.answers.clear();
    });
    send(instance, { kind: 'setup', address, access, waitTimeoutS });
    this.#instances.push(instance);
    return instance;
  }
}

function receive(instance: Instance, message: FromInstance): void {
  switch (message.kind) {
    case 'ready':
      instance.ready = true;
      for (const id of instance.answers.keys()) send(instance, { kind: 'invoke', id });
      return;
    case 'done': {
      const answer = instance.answers.get(message.id);
      instance.answers.delete(message.id);
      answer?.(message.error);
      return;
    }
    case 'resting':
      // Not if it was given another request in the meantime.
      if (message.invocations === instance.given && instance.answers.size === 0) freeze(instance);
  }
}

function send(instance: Instance, message: ToInstance): void {
  if (instance.process.connected) instance.process.send(message);
}

function freeze(instance: Instance): void {
  instance.process.kill('SIGSTOP');
  instance.frozen = true;
  instance.awakeMs += performance.now() - instance.awakeSince;
}

function thaw(instance: Instance): void {
  if (!instance.frozen) return;
  instance.process.kill('SIGCONT');
  instance.frozen = false;
  instance.awakeSince = performance.now();
}
