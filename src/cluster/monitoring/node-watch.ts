/** Watches one node: looks at it again and again, and says in which state it is. */

import { type Clock, codeOf, messageOf, type Timer } from '../../engine/index.js';
import { inRootContext, within } from '../../engine/waiting/index.js';
import { isServerError, type ServerError } from '../../mysql/index.js';
import type { MonitorOptions, NodeReading, NodeRole, NodeState, RoleWord } from '../contract/index.js';
import type { Look, Looker } from './looker.js';
import { ReportedRole } from './reported-role.js';

/** This many looks in a row that find no server make a node count as down. */
const LOOKS_UNTIL_DOWN = 3;

/** Between two looks, however many doubts come. */
const SHORTEST_PAUSE_MS = 25;

/** While there is no writer, nodes that answer are looked at after this part of the time that it has been missing: they notice the next one so much late. */
const PART_OF_DOUBT = 1 / 5;

/** The weight of the newest latency in the moving average. */
const NEWEST_WEIGHT = 1 / 8;

/** What a watch reports, and asks of its cluster. */
export interface WatchOwner {
  /** Something about the node has changed, or a look has ended. */
  looked(changed: boolean): void;
  /** For how long it has not been known who the writer is, in milliseconds; undefined: it is known. Until then every node is looked at more often. */
  withoutWriterMs(): number | undefined;
}

/** What is known of a node by its own word, and how fresh that is. */
export class NodeWatch {
  #state: NodeState = 'suspect';
  #reason: string | undefined = 'it was not checked yet';
  #since = Date.now();
  #reading: NodeReading | undefined = undefined;
  /** What the look that is under way has heard already, where it is not what the last one said. */
  #heardRole: NodeRole | undefined = undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the last look began, also one that failed. */
  #beganAt = Number.NEGATIVE_INFINITY;
  /** When a look last began over a new connection because there was no writer. */
  #freshAt = Number.NEGATIVE_INFINITY;
  readonly #reported = new ReportedRole();
  #latencyMs: number | undefined = undefined;
  #servers = 0;
  #failures = 0;
  #seen = false;
  /** It has refused work since the last look: what the last look said holds no more. */
  #distrusted = false;
  /** What keeps a node that answers from serving, by the judgement of the cluster. */
  #judgement: string | undefined = undefined;
  /** What its own last look said, without the judgement. */
  #own: { readonly state: NodeState; readonly reason: string | undefined } = { state: 'suspect', reason: this.#reason };
  /** Why the server did not let the monitor in, when it did not. */
  #refusal: ServerError | undefined = undefined;
  #looking = false;
  #lookAgain = false;
  #timer: Timer | undefined = undefined;
  #ended = false;
  readonly #end = new AbortController();

  constructor(
    private readonly looker: Looker,
    private readonly options: Required<MonitorOptions>,
    private readonly clock: Clock,
    private readonly owner: WatchOwner,
  ) {}

  get state(): NodeState {
    return this.#state;
  }

  /** Why it is not 'up'. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** When it came into its state, in milliseconds since the epoch. */
  get since(): number {
    return this.#since;
  }

  /** What it said last. */
  get reading(): NodeReading | undefined {
    return this.#reading;
  }

  /** To how many servers in turn its address led. */
  get servers(): number {
    return this.#servers;
  }

  /** When it said so, by the cluster's clock. */
  get readAt(): number {
    return this.#readAt;
  }

  /** When the look began in which it said so: how far it was behind holds from then on. */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** How fresh its word is of whether it takes writes. */
  get reported(): Pick<ReportedRole, 'askedAt' | 'foundAt'> {
    return this.#reported;
  }

  get latencyMs(): number | undefined {
    return this.#latencyMs;
  }

  /** Its first look has ended, well or not. */
  get seen(): boolean {
    return this.#seen;
  }

  /** Whether it takes writes, by its newest word. */
  get role(): NodeRole | undefined {
    return this.#heardRole ?? this.#reading?.role;
  }

  /** It answers, and says that it takes no writes. */
  get isKnownReader(): boolean {
    const answers = this.#heardRole !== undefined || this.#state === 'up' || this.#state === 'unfit';
    return answers && this.role === 'reader';
  }

  /** What the server answered when it did not let the monitor in at the last look. */
  get refusal(): ServerError | undefined {
    return this.#refusal;
  }

  get distrusted(): boolean {
    return this.#distrusted;
  }

  start(): void {
    inRootContext(() => void this.#look());
  }

  /** Looks at once, or once more when the look that is under way has ended. */
  lookNow(): void {
    if (this.#ended) return;
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    inRootContext(() => void this.#look());
  }

  /** Sees to it that its role is heard from a look that began at that time or later. */
  askSince(at: number): void {
    this.#reported.awaitSince(at);
    if (!this.#looking || this.#beganAt < at) this.lookNow();
  }

  /** The node has refused work, or its connections break: it is looked at now. */
  doubt(reason: string, distrusted: boolean): void {
    if (this.#ended) return;
    if (distrusted) this.#distrusted = true;
    if (this.#own.state === 'up') this.#become('suspect', reason);
    this.lookNow();
    this.owner.looked(true);
  }

  /** What keeps it from serving although it answers; undefined: nothing. */
  judge(judgement: string | undefined): void {
    if (this.#judgement === judgement) return;
    this.#judgement = judgement;
    this.#show();
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    this.#end.abort();
    await this.looker.end();
  }

  /** Precondition: no look is under way. */
  async #look(): Promise<void> {
    this.#timer?.cancel();
    this.#looking = true;
    this.#lookAgain = false;
    const before = this.#fingerprint();
    const askedAt = this.clock.now();
    this.#beganAt = askedAt;
    const { timeout } = this.options;
    const slow = this.clock.setTimer(() => this.#noteSlow(), Math.min(timeout, this.options.interval) / 2);
    slow.unref();
    try {
      const late = (): Error => Object.assign(new Error(`no answer within ${timeout} ms`), { code: 'ETIMEDOUT' });
      const bounds = { clock: this.clock, hold: 'unheld', allowsForStalls: true, signal: this.#end.signal } as const;
      const look = this.looker.look(this.#wantsFresh(askedAt), (word) => this.#heard(word, askedAt));
      this.#succeeded(await within(look, timeout, late, bounds), askedAt);
    } catch (error) {
      this.looker.abandon();
      if (!this.#ended) this.#failed(error);
    } finally {
      slow.cancel();
      this.#looking = false;
      this.#heardRole = undefined;
      this.#seen = true;
    }
    if (this.#ended) return;
    this.owner.looked(before !== this.#fingerprint());
    this.#scheduleNext();
  }

  #scheduleNext(): void {
    if (this.#ended || this.#looking) return;
    this.#timer = this.clock.setTimer(() => this.lookNow(), this.#pauseMs());
    this.#timer.unref();
  }

  #pauseMs(): number {
    const { interval, intervalInDoubt } = this.options;
    if (this.#lookAgain) return SHORTEST_PAUSE_MS;
    if (this.#own.state !== 'up') return intervalInDoubt;
    const withoutWriterMs = this.owner.withoutWriterMs();
    if (withoutWriterMs !== undefined) return Math.min(Math.max(SHORTEST_PAUSE_MS, withoutWriterMs * PART_OF_DOUBT), intervalInDoubt);
    // From beginning to beginning: what a look takes must not make what is known older.
    return Math.max(SHORTEST_PAUSE_MS, interval - (this.clock.now() - this.#beganAt));
  }

  /** While there is no writer, a name may lead to another server by now: not every look of these pays for a new connection. */
  #wantsFresh(now: number): boolean {
    if (this.owner.withoutWriterMs() === undefined || now - this.#freshAt < this.options.intervalInDoubt) return false;
    this.#freshAt = now;
    return true;
  }

  /** Callers that wait for a writer need not wait for the rest of the look. */
  #heard({ serverId, role }: RoleWord, askedAt: number): void {
    const isOfThisLook = this.#looking && askedAt === this.#beganAt;
    if (this.#ended || !isOfThisLook || this.#reading?.serverId !== serverId) return;
    const isNews = this.#reading.role !== role;
    if (isNews) this.#heardRole = role;
    const isAwaited = this.#reported.note({ serverId, role }, askedAt);
    if (isNews || isAwaited) this.owner.looked(isNews);
  }

  #succeeded({ reading, latencyMs }: Look, askedAt: number): void {
    if (this.#ended) return;
    this.#failures = 0;
    this.#distrusted = false;
    this.#refusal = undefined;
    if (this.#reading?.serverId !== reading.serverId) this.#servers += 1;
    this.#reading = reading;
    this.#reported.note(reading, askedAt);
    this.#readAt = this.clock.now();
    this.#askedAt = askedAt;
    this.#latencyMs = this.#latencyMs === undefined ? latencyMs : this.#latencyMs + (latencyMs - this.#latencyMs) * NEWEST_WEIGHT;
    this.#become('up', undefined);
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    this.#refusal = isServerError(error) ? error : undefined;
    const why = `${messageOf(error)} (${codeOf(error)})`;
    // It is there, and refuses the monitor: that says nothing of its role.
    if (isServerError(error)) this.#become(this.#reading === undefined ? 'unfit' : 'suspect', `the monitor is refused: ${why}`);
    else if (!this.#seen || this.#failures >= LOOKS_UNTIL_DOWN) this.#become('down', `it does not answer: ${why}`);
    else if (this.#own.state !== 'down') this.#become('suspect', `the last check failed: ${why}`);
  }

  #noteSlow(): void {
    if (this.#ended || this.#own.state !== 'up') return;
    this.#become('suspect', 'the current check takes too long');
    this.owner.looked(true);
  }

  #become(state: NodeState, reason: string | undefined): void {
    this.#own = { state, reason };
    this.#show();
  }

  /** A judgement counts for a node that answers. */
  #show(): void {
    const { state, reason } =
      this.#own.state === 'up' && this.#judgement !== undefined ? { state: 'unfit' as const, reason: this.#judgement } : this.#own;
    if (state !== this.#state) this.#since = Date.now();
    this.#state = state;
    this.#reason = reason;
  }

  /** What others look at: when it changes, they look again. */
  #fingerprint(): string {
    const { role, serverId, replicating } = this.#reading ?? {};
    return [this.#state, this.#reason, role, serverId, replicating, this.#seen, this.#distrusted, this.#refusal !== undefined].join(' ');
  }
}
