/** What this process has written through a cluster, as a whole and in each scope: what its session reads must see. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { CommitListener } from '../../mysql/index.js';
import { Position } from '../position/index.js';

/** What is written on behalf of one piece of work. */
class Scope {
  readonly position = Position.none();
}

/** Follows the commits of a cluster's writer. */
export class WriteLog implements CommitListener {
  /** Whether the writer names what it commits. */
  hasGtids = false;
  /** What the writer is known by: its UUID. */
  writerId = '';
  readonly #all = Position.none();
  readonly #current = new AsyncLocalStorage<Scope>();
  /** As long as there was no scope at all, none is looked for. */
  #hasScopes = false;

  scope(): object | undefined {
    return this.#hasScopes ? this.#current.getStore() : undefined;
  }

  committed(gtid: string, ...scopes: readonly (object | undefined)[]): void {
    // A text that cannot be read still counts as a write.
    if (!this.#all.note(gtid, this.writerId)) this.mayHaveCommitted(...scopes);
    else for (const position of positionsOf(scopes)) position.note(gtid, this.writerId);
  }

  mayHaveCommitted(...scopes: readonly (object | undefined)[]): void {
    const now = Date.now();
    this.#all.noteUnnamed(now);
    for (const position of positionsOf(scopes)) position.noteUnnamed(now);
  }

  /** Runs work whose session reads see its own writes, and wait for no other's. A scope in a scope is one of its own. */
  run<T>(work: () => T): T {
    this.#hasScopes = true;
    return this.#current.run(new Scope(), work);
  }

  /** What a session read must see that is asked for now. It is to be read only. */
  get position(): Position {
    return (this.#hasScopes ? this.#current.getStore()?.position : undefined) ?? this.#all;
  }

  /** Of the whole process. */
  get all(): Position {
    return this.#all;
  }
}

function* positionsOf(scopes: readonly (object | undefined)[]): Iterable<Position> {
  const [borrower, sender] = scopes;
  if (borrower instanceof Scope) yield borrower.position;
  if (sender instanceof Scope && sender !== borrower) yield sender.position;
}
