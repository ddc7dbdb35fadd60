import type { AsyncLocalStorage } from 'node:async_hooks';
import mysql from 'mysql2';

interface CommandsPrototype {
  addCommand: (this: unknown, command: { readonly sql?: string; readonly statement?: { readonly query?: string } }) => unknown;
}

/** What a tracing agent sees that hooks mysql2's connections: the store that is active when a statement is given to one. */
export class CommandsSeen implements Disposable {
  readonly #prototype = ownerOf('addCommand', mysql.PoolConnection.prototype) as CommandsPrototype;
  readonly #original = this.#prototype.addCommand;
  readonly #seen: { readonly sql: string; readonly store: unknown }[] = [];

  constructor(store: AsyncLocalStorage<string>) {
    const seen = this.#seen;
    const original = this.#original;
    this.#prototype.addCommand = function (command) {
      const sql = command.sql ?? command.statement?.query;
      if (sql !== undefined) seen.push({ sql, store: store.getStore() });
      return original.call(this, command);
    };
  }

  /** The stores that statements with this text in them saw, in their order. */
  of(text: string): unknown[] {
    return this.#seen.filter(({ sql }) => sql.includes(text)).map(({ store }) => store);
  }

  /** The texts of statements that have none of these in them, and saw a store. */
  besides(texts: readonly string[]): string[] {
    return this.#seen.filter(({ sql, store }) => store !== undefined && !texts.some((text) => sql.includes(text))).map(({ sql }) => sql);
  }

  get size(): number {
    return this.#seen.length;
  }

  [Symbol.dispose](): void {
    this.#prototype.addCommand = this.#original;
  }
}

function ownerOf(method: string, prototype: object): object {
  for (let owner: object = prototype; ; owner = Object.getPrototypeOf(owner) as object) if (Object.hasOwn(owner, method)) return owner;
}
