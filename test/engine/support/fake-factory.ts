import type { CloseRequest, OpenContext, ResourceFactory } from '../../../src/engine/contract/factory.js';
import type { FakeClock } from './fake-clock.js';

/** How a call of the factory goes. */
export type Answer =
  | { readonly kind: 'succeed'; readonly afterMs?: number }
  | { readonly kind: 'fail'; readonly error: unknown; readonly afterMs?: number }
  | { readonly kind: 'throw'; readonly error: unknown }
  /** Answered by the test, through {@link FakeFactory.held}. */
  | { readonly kind: 'hold' }
  /** Returns nothing instead of a promise. */
  | { readonly kind: 'nothing' };

export const succeed: Answer = { kind: 'succeed' };
export const hold: Answer = { kind: 'hold' };
export const nothing: Answer = { kind: 'nothing' };

export function succeedAfter(afterMs: number): Answer {
  return { kind: 'succeed', afterMs };
}

export function failWith(error: unknown, afterMs?: number): Answer {
  return afterMs === undefined ? { kind: 'fail', error } : { kind: 'fail', error, afterMs };
}

export function throwing(error: unknown): Answer {
  return { kind: 'throw', error };
}

/** An error as a driver makes it. */
export function driverError(code: string, message = `${code} happened`): Error {
  return Object.assign(new Error(message), { code });
}

type Method = 'open' | 'validate' | 'recycle' | 'close';

/** A call that waits for the test's answer. */
export class HeldCall {
  readonly promise: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(
    readonly method: Method,
    readonly resource: FakeResource,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  succeed(): void {
    this.#resolve();
  }

  fail(error: unknown): void {
    this.#reject(error);
  }
}

/** What a {@link FakeFactory} opens. */
export class FakeResource {
  /** What the pool may not forget of it; `given up` is open still, but the pool was notified that it is lost. */
  status: 'opening' | 'open' | 'given up' | 'closed' = 'opening';
  lent = false;
  /** A new resource is expected to be parked. */
  parked = true;
  validations = 0;
  cleanings = 0;
  readonly closes: CloseRequest[] = [];

  constructor(
    readonly id: number,
    readonly context: OpenContext,
  ) {}

  /** The resource fails by itself. */
  lose(error: unknown = driverError('ECONNRESET')): void {
    if (this.status === 'open') this.status = 'given up';
    this.context.lost(error);
  }
}

/**
 * Opens resources that do what a test says, and watches the pool: each thing that it must never do with a resource is written down
 * in {@link violations}.
 */
export class FakeFactory implements ResourceFactory<FakeResource> {
  readonly violations: string[] = [];
  /** Every call of `open`, in order. */
  readonly resources: FakeResource[] = [];
  readonly held: HeldCall[] = [];
  readonly permanentCodes = new Set<string>();
  readonly misplacedCodes = new Set<string>();
  /** How the coming calls go. */
  readonly answers: Record<Method, (resource: FakeResource) => Answer> = {
    open: () => succeed,
    validate: () => succeed,
    recycle: () => nothing,
    close: () => nothing,
  };

  constructor(private readonly clock: FakeClock) {}

  script(method: Method, answer: Answer): void {
    this.answers[method] = () => answer;
  }

  /** The one call of `method` that is held for `resource` (default: the first held one); it is held no longer. */
  take(method: Method, resource?: FakeResource): HeldCall {
    const index = this.held.findIndex((call) => call.method === method && (resource === undefined || call.resource === resource));
    const [call] = index < 0 ? [] : this.held.splice(index, 1);
    if (call === undefined) throw new Error(`No call of ${method} is held.`);
    return call;
  }

  resource(index: number): FakeResource {
    const resource = this.resources[index];
    if (resource === undefined) throw new Error(`Resource ${index} was not asked for: ${this.resources.length} were.`);
    return resource;
  }

  /** How many resources are open in truth, no matter what the pool thinks. */
  get openInTruth(): number {
    return this.resources.filter(({ status }) => status === 'open' || status === 'given up').length;
  }

  /** The test reports that it borrowed a resource. */
  borrowed(resource: FakeResource): FakeResource {
    if (resource.lent) this.violations.push(`I1: resource ${resource.id} was lent twice`);
    if (resource.status !== 'open') this.violations.push(`I7: resource ${resource.id} was lent while ${resource.status}`);
    if (resource.parked) this.violations.push(`resource ${resource.id} was lent while parked`);
    resource.lent = true;
    return resource;
  }

  async open(context: OpenContext): Promise<FakeResource> {
    const resource = new FakeResource(this.resources.length + 1, context);
    this.resources.push(resource);
    try {
      await this.#answer('open', resource);
    } catch (error) {
      resource.status = 'closed';
      throw error;
    }
    if (resource.status === 'opening') resource.status = 'open';
    return resource;
  }

  validate(resource: FakeResource): Promise<void> {
    resource.validations += 1;
    this.#mustBeFree(resource, 'validated');
    return this.#answer('validate', resource) ?? Promise.resolve();
  }

  recycle(resource: FakeResource): Promise<void> | undefined {
    resource.lent = false;
    this.#mustBeFree(resource, 'cleaned');
    if (resource.parked) this.violations.push(`resource ${resource.id} was lent while parked`);
    const cleaning = this.#answer('recycle', resource);
    if (cleaning !== undefined) resource.cleanings += 1;
    return cleaning;
  }

  close(resource: FakeResource, request: CloseRequest): Promise<void> | undefined {
    if (resource.closes.length > 0 && !request.force) this.violations.push(`resource ${resource.id} was closed twice`);
    resource.closes.push(request);
    resource.lent = false;
    resource.status = 'closed';
    return this.#answer('close', resource);
  }

  park(resource: FakeResource): void {
    this.#mustBeFree(resource, 'parked');
    if (resource.parked) this.violations.push(`resource ${resource.id} was parked twice`);
    resource.parked = true;
  }

  unpark(resource: FakeResource): void {
    if (!resource.parked) this.violations.push(`resource ${resource.id} was unparked twice`);
    resource.parked = false;
  }

  describe(resource: FakeResource): string {
    return `fake ${resource.id}`;
  }

  isPermanent(error: unknown): boolean {
    return error instanceof Error && 'code' in error && this.permanentCodes.has(String(error.code));
  }

  isMisplaced(error: unknown): boolean {
    return error instanceof Error && 'code' in error && this.misplacedCodes.has(String(error.code));
  }

  #mustBeFree(resource: FakeResource, what: string): void {
    if (resource.lent) this.violations.push(`I1: resource ${resource.id} was ${what} while lent`);
    if (resource.status === 'closed') this.violations.push(`resource ${resource.id} was ${what} after its close`);
  }

  #answer(method: Method, resource: FakeResource): Promise<void> | undefined {
    const answer = this.answers[method](resource);
    switch (answer.kind) {
      case 'nothing':
        return undefined;
      case 'throw':
        throw answer.error;
      case 'hold': {
        const call = new HeldCall(method, resource);
        this.held.push(call);
        return call.promise;
      }
      case 'succeed':
        return answer.afterMs === undefined ? Promise.resolve() : this.clock.wait(answer.afterMs);
      case 'fail':
        return this.#failure(answer.error, answer.afterMs);
    }
  }

  async #failure(error: unknown, afterMs: number | undefined): Promise<void> {
    if (afterMs !== undefined) await this.clock.wait(afterMs);
    throw error;
  }
}
