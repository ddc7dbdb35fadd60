/** Reads traces: whether each statement of each request has one span, and whether that has the parent that its request gave it. */
import type { Span } from './agents.js';

/** As in application.mjs. */
const REQUESTS = 40;
const STATEMENTS = ['first', 'execute', 'beside', 'in_transaction', 'stream', 'error', 'last'];
/** Statements whose callers did not wait in the pool: they are in a transaction, which borrowed its connection. */
const BORROWERS = ['in_transaction'];

const REQUEST = /^d\d+_r\d+$/;

/** What an agent is to have made of a door. */
interface Expected {
  readonly parents: boolean;
  readonly waits: boolean;
  readonly marksErrors: boolean;
}

/** The traces of one run. */
export class Traces {
  readonly #byId: ReadonlyMap<string, Span>;
  readonly #statements: readonly Span[];

  constructor(spans: readonly Span[]) {
    this.#byId = new Map(spans.map((span) => [span.id, span]));
    this.#statements = spans.filter(({ sql }) => sql !== undefined);
  }

  /**
   * What is wrong with the requests of a door, in words; nothing where all is right.
   *
   * @param door its place among the doors of the run
   * @param expects whether parents are looked at, times of waiting, and marks of errors
   */
  problems(door: number, { parents, waits, marksErrors }: Expected): string[] {
    const names = Array.from({ length: REQUESTS }, (_, n) => `d${door}_r${n}`);
    return names.flatMap((name) => [
      ...STATEMENTS.flatMap((what) => {
        const found = this.#statements.filter(({ sql }) => sql?.includes(`${name}_${what}`));
        if (found.length !== 1) return [`${name}_${what} has ${found.length} spans`];
        const [span] = found;
        const wrong = parents && this.#requestOf(span) !== name ? [`${name}_${what} is a child of ${this.#requestOf(span)}`] : [];
        const unwaited = waits && span?.wait === undefined && !BORROWERS.includes(what) ? [`${name}_${what} has no time of waiting`] : [];
        const failed = marksErrors && what === 'error';
        const mismarked = (span?.failed === true) === failed ? [] : [`${name}_${what} is ${failed ? 'not ' : ''}marked as an error`];
        return [...wrong, ...unwaited, ...mismarked];
      }),
      ...(parents ? this.#othersOf(name, waits) : []),
    ]);
  }

  /** The requests whose traces have the statement with this text. */
  requestsWith(text: string): (string | undefined)[] {
    return this.#statements.filter(({ sql }) => sql?.includes(text)).map((span) => this.#requestOf(span));
  }

  /** Of a request: how it began and ended its transaction, and what the pool itself has done. */
  #othersOf(name: string, waits: boolean): string[] {
    const others = this.#statements.filter(({ sql = '' }) => !sql.includes(`${name}_`) && !sql.includes('cached_read'));
    const texts = others.filter((span) => this.#requestOf(span) === name).map(({ sql }) => sql);
    const isComplete = texts.length === 2 && texts.includes('START TRANSACTION') && texts.includes('COMMIT');
    const wrong = isComplete ? [] : [`${name} has also: ${texts.join(', ')}`];
    const acquires = [...this.#byId.values()].filter((span) => span.name.endsWith('pool.acquire') && this.#requestOf(span) === name);
    const unwaited = waits && (acquires.length !== 1 || acquires[0]?.wait === undefined) ? [`${name} has ${acquires.length} acquires`] : [];
    return [...wrong, ...unwaited];
  }

  #requestOf(span: Span | undefined): string | undefined {
    for (let current = span; current !== undefined; current = this.#byId.get(current.parent ?? '')) {
      if (REQUEST.test(current.name)) return current.name;
    }
    return undefined;
  }
}
