/** A list that is looked up again each time, in the form in which mysql2's pool keeps its own. */
export class LiveList<T> implements Iterable<T> {
  constructor(private readonly items: () => readonly T[]) {}

  get length(): number {
    return this.items().length;
  }

  get(index: number): T | undefined {
    return this.items()[index];
  }

  toArray(): T[] {
    return [...this.items()];
  }

  [Symbol.iterator](): Iterator<T> {
    return this.items()[Symbol.iterator]();
  }
}
