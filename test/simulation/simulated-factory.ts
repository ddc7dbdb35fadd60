import type { Lease } from '../../src/engine/entries/entry.js';
import type { CloseRequest, OpenContext, ResourceFactory } from '../../src/engine/contract/factory.js';
import type { FakeClock } from '../engine/support/fake-clock.js';
import type { Dice } from './dice.js';
import { microtasks } from '../engine/support/microtasks.js';

/** How a call is answered: at once, with nothing instead of a promise, with a throw, later on command, or with a loss while it is asked. */
export type AnswerKind = 'succeed' | 'fail' | 'throw' | 'hold' | 'nothing' | 'lose';

export type Method = 'open' | 'validate' | 'recycle' | 'close';

/** How often the calls of each method are answered in which way. */
export type Mood = Readonly<Record<Method, Readonly<Partial<Record<AnswerKind, number>>>>>;

export const HEALTHY: Mood = {
  open: { succeed: 1 },
  validate: { succeed: 1 },
  recycle: { nothing: 1 },
  close: { nothing: 1 },
};

export const MOODS: readonly Mood[] = [
  HEALTHY,
  {
    open: { hold: 1 },
    validate: { hold: 3, succeed: 1 },
    recycle: { nothing: 2, hold: 1 },
    close: { nothing: 1, hold: 1, succeed: 1 },
  },
  {
    open: { fail: 6, hold: 3, throw: 1, succeed: 2 },
    validate: { fail: 3, hold: 1, lose: 1, throw: 1 },
    recycle: { nothing: 3, fail: 1, throw: 1, hold: 1 },
    close: { fail: 1, throw: 1, nothing: 1, lose: 1 },
  },
  {
    open: { hold: 3, succeed: 2, lose: 1 },
    validate: { hold: 1, succeed: 1, lose: 1 },
    recycle: { nothing: 3, succeed: 2, hold: 2 },
    close: { hold: 3, lose: 1, nothing: 1 },
  },
];

/** Microtasks between the answer of a call and the moment in which the pool acts on it, and some more. */
const TICKS_UNTIL_HEARD = 6;

/** What the pool may not forget of a resource. */
export class SimulatedResource {
  /** The factory was asked to open it, and may or may not have handed it over. */
  open = false;
  /** The pool has reported that it is open. */
  delivered = false;
  /** The pool was notified that it is lost, or that it must not be lent again. */
  lost = false;
  doomed = false;
  parked = true;
  everLent = false;
  /** The pool was asked to lend it to no caller after its present borrower, or after the check that is under way. */
  outdated = false;
  /** The pool has reported that it failed, or is gone. */
  failed = false;
  gone = false;
  checkedSince = 0;
  closedSince = 0;
  /** When it was opened, and when it was last known to work. */
  openedAt = 0;
  provenAt = 0;
  /** A validation or cleaning is under way that the pool has not given up. */
  busy = false;
  /** How many are under way, or have ended a moment ago and the pool does not know it yet. */
  unheardChecks = 0;
  holder: Lease<SimulatedResource> | undefined = undefined;
  politeCloses = 0;
  forcedCloses = 0;

  constructor(
    readonly id: number,
    readonly context: OpenContext,
    readonly startedAt: number,
  ) {}

  get closed(): boolean {
    return this.politeCloses + this.forcedCloses > 0;
  }
}

/** A call that waits for its answer. */
export interface HeldCall {
  readonly method: Method;
  readonly resource: SimulatedResource;
  answer(error?: Error): void;
}

/** What the factory needs to know of the pool to judge what it is asked to do. */
export interface Observer {
  violation(what: string): void;
  /** A call of `open` begins. */
  opening(resource: SimulatedResource): void;
  /** It is about to succeed. */
  opened(resource: SimulatedResource): void;
  /** Whether the pool may give up an opening that began then. */
  mayGiveUp(startedAt: number): boolean;
  /** Whether the pool may close a resource that is lent. */
  mayCutOff(): boolean;
  /** Whether an entry was one too many when its closing had begun. */
  wasSurplus(): boolean;
}

/** A factory that fails, stalls, answers late and out of order, and watches what it is asked to do. */
export class SimulatedFactory implements ResourceFactory<SimulatedResource> {
  mood: Mood = HEALTHY;
  readonly resources: SimulatedResource[] = [];
  readonly held: HeldCall[] = [];
  #observer: Observer | undefined = undefined;

  constructor(
    private readonly dice: Dice,
    private readonly clock: FakeClock,
  ) {}

  watchedBy(observer: Observer): void {
    this.#observer = observer;
  }

  open(context: OpenContext): Promise<SimulatedResource> {
    const resource = new SimulatedResource(this.resources.length + 1, context, this.clock.now());
    this.resources.push(resource);
    context.signal.addEventListener('abort', () => {
      if (this.#observer?.mayGiveUp(resource.startedAt) === false) this.#observer.violation(`I5: opening ${resource.id} was given up`);
    });
    this.#observer?.opening(resource);
    return this.#opened(resource);
  }

  validate(resource: SimulatedResource): Promise<void> {
    this.#mustBeFree(resource, 'validated');
    return this.#check('validate', resource) ?? Promise.resolve();
  }

  recycle(resource: SimulatedResource): Promise<void> | undefined {
    this.#mustBeFree(resource, 'cleaned');
    return this.#check('recycle', resource);
  }

  close(resource: SimulatedResource, { force, reason }: CloseRequest): Promise<void> | undefined {
    if (resource.politeCloses > 0 && !force) this.#observer?.violation(`resource ${resource.id} was said goodbye to twice`);
    if (resource.forcedCloses > 0 && !force) this.#observer?.violation(`resource ${resource.id} was said goodbye to after its end`);
    if (!resource.open) this.#observer?.violation(`resource ${resource.id} was closed before it was open`);
    if (resource.holder !== undefined && !resource.lost && this.#observer?.mayCutOff() === false) {
      this.#observer.violation(`I1: resource ${resource.id} was closed (${reason}) while lent`);
    }
    if (reason === 'surplus' && !resource.closed && this.#observer?.wasSurplus() === false) {
      this.#observer.violation(`resource ${resource.id} was closed though it was not one too many`);
    }
    resource.holder = undefined;
    resource.busy = false;
    resource.closedSince = this.clock.now();
    if (force) resource.forcedCloses += 1;
    else resource.politeCloses += 1;
    return this.#answer('close', resource);
  }

  park(resource: SimulatedResource): void {
    if (resource.parked) this.#observer?.violation(`resource ${resource.id} was parked twice`);
    resource.parked = true;
  }

  unpark(resource: SimulatedResource, why: 'lent' | 'closing'): void {
    resource.everLent ||= why === 'lent';
    if (!resource.parked) this.#observer?.violation(`resource ${resource.id} was unparked twice`);
    resource.parked = false;
  }

  isPermanent(error: unknown): boolean {
    return error instanceof Error && error.message === 'permanent';
  }

  isMisplaced(error: unknown): boolean {
    return error instanceof Error && error.message === 'misplaced';
  }

  /** Answers the held call at `index`. */
  answer(index: number, error?: Error): void {
    const [call] = this.held.splice(index, 1);
    call?.answer(error);
  }

  async #opened(resource: SimulatedResource): Promise<SimulatedResource> {
    await this.#answer('open', resource);
    resource.open = true;
    resource.openedAt = this.clock.now();
    resource.provenAt = resource.openedAt;
    this.#observer?.opened(resource);
    return resource;
  }

  #mustBeFree(resource: SimulatedResource, what: string): void {
    if (resource.holder !== undefined) this.#observer?.violation(`I1: resource ${resource.id} was ${what} while lent`);
    if (resource.lost || resource.closed) this.#observer?.violation(`I7: resource ${resource.id} was ${what} after its end`);
    if (resource.busy) this.#observer?.violation(`resource ${resource.id} was ${what} while it was being checked`);
  }

  #check(method: 'validate' | 'recycle', resource: SimulatedResource): Promise<void> | undefined {
    const answer = this.#answer(method, resource);
    if (answer === undefined) resource.provenAt = this.clock.now();
    if (answer === undefined || resource.closed) return answer;
    resource.busy = true;
    resource.checkedSince = this.clock.now();
    resource.unheardChecks += 1;
    const done = async (): Promise<void> => {
      resource.busy = false;
      resource.provenAt = this.clock.now();
      await microtasks(TICKS_UNTIL_HEARD);
      resource.unheardChecks -= 1;
    };
    answer.then(done, () => {
      resource.busy = false;
      resource.unheardChecks -= 1;
    });
    return answer;
  }

  #answer(method: Method, resource: SimulatedResource): Promise<void> | undefined {
    switch (this.dice.weighted(this.mood[method])) {
      case 'nothing':
        return undefined;
      case 'succeed':
        return Promise.resolve();
      case 'fail':
        return Promise.reject(new Error(this.#failure(method, resource)));
      case 'throw':
        throw new Error('thrown');
      case 'lose':
        resource.lost = true;
        resource.context.lost(new Error('lost while asked'));
        return this.dice.chance(50) ? Promise.resolve() : this.#hold(method, resource);
      case 'hold':
        return this.#hold(method, resource);
    }
  }

  #failure(method: Method, resource: SimulatedResource): string {
    if (this.dice.chance(20)) return 'permanent';
    if (method !== 'open' || !this.dice.chance(30)) return 'refused';
    // It was open for a moment.
    resource.provenAt = this.clock.now();
    resource.forcedCloses += 1;
    return 'misplaced';
  }

  #hold(method: Method, resource: SimulatedResource): Promise<void> {
    return new Promise((resolve, reject) => {
      this.held.push({ method, resource, answer: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  }
}
