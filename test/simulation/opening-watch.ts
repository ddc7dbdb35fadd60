import type { FakeClock } from '../engine/support/fake-clock.js';
import type { SimulatedResource } from './simulated-factory.js';

/** An entry that fails this soon, before any caller has used it, counts as a failed opening. */
const FLAPPING_MS = 1_000;
const SMALLEST_BACKOFF_MS = 50;
/** Openings at a time before the first has succeeded, and after many have. */
const FIRST_WINDOW = 10;
const LARGEST_WINDOW = 40;

/** More openings than this in one step follow each other without end. */
const MOST_OPENINGS_IN_A_STEP = 2_000;

/** Watches the bounds of I6: how many openings there are at a time, and how soon after a failure. */
export class OpeningWatch {
  /** The last opening that the pool knows of has failed; the next one may begin at `retryAt`. */
  failing = false;
  retryAt = 0;
  #window = FIRST_WINDOW;
  #step = 0;
  /** The step of the last entry that failed too soon; forgotten when a later step opens another. */
  #flappedInStep: number | undefined = undefined;
  #openingsOfStep = 0;
  /** Openings that have succeeded, which the pool reports when it has acted on it. */
  readonly #aboutToOpen = new Set<number>();

  constructor(
    private readonly clock: FakeClock,
    private readonly pool: { summary(): { readonly opening: number } },
    private readonly violation: (what: string) => void,
  ) {}

  /** Whether the pool may hold back openings because the last ones were of no use. */
  get mayHoldBack(): boolean {
    return this.failing || this.#flappedInStep !== undefined;
  }

  beginStep(): void {
    this.#step += 1;
    this.#openingsOfStep = 0;
  }

  /** The factory is asked to open one. */
  began(resource: SimulatedResource): void {
    const { opening } = this.pool.summary();
    this.#openingsOfStep += 1;
    if (this.#openingsOfStep > MOST_OPENINGS_IN_A_STEP) throw new Error('Openings follow each other without end.');
    if (this.#openingsOfStep === MOST_OPENINGS_IN_A_STEP) this.violation('I6: openings follow each other without end');
    if (opening > Math.min(this.#window * 2 ** this.#aboutToOpen.size, LARGEST_WINDOW)) this.violation(`I6: ${opening} openings at a time`);
    if (!this.failing || this.#aboutToOpen.size > 0) return;
    if (opening > 1) this.violation(`I6: ${opening} openings at a time after a failure`);
    if (this.clock.now() < this.retryAt - 1e-6) this.violation(`I6: opening ${resource.id} began before the delay was over`);
  }

  /** The factory is about to answer. */
  succeeded({ id, context, lost }: SimulatedResource): void {
    if (!context.signal.aborted && !lost) this.#aboutToOpen.add(id);
  }

  /** The pool reports an opening. */
  reported(id: number): void {
    this.failing = false;
    this.#window = Math.min(this.#window * 2, LARGEST_WINDOW);
    if (this.#flappedInStep !== this.#step) this.#flappedInStep = undefined;
    this.#aboutToOpen.delete(id);
  }

  /** The pool reports a failed opening. */
  failed(id: number, retryInMs: number): void {
    this.failing = true;
    this.#window = FIRST_WINDOW;
    this.#aboutToOpen.delete(id);
    this.retryAt = this.clock.now() + retryInMs;
  }

  /** The pool reports that an open resource has failed. */
  resourceFailed({ everLent, provenAt }: SimulatedResource): void {
    if (everLent || this.clock.now() - provenAt >= FLAPPING_MS) return;
    this.#flappedInStep = this.#step;
    this.retryAt = Math.min(this.retryAt, this.clock.now() + SMALLEST_BACKOFF_MS);
  }
}
