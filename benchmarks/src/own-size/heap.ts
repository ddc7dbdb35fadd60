/** The least of many first. */
export class Heap<T> {
  readonly #items: { readonly key: number; readonly item: T }[] = [];

  get size(): number {
    return this.#items.length;
  }

  get leastKey(): number {
    return this.#items[0]?.key ?? Number.POSITIVE_INFINITY;
  }

  push(key: number, item: T): void {
    const items = this.#items;
    const added = { key, item };
    let at = items.length;
    items.push(added);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = items[parent] as { readonly key: number; readonly item: T };
      if (above.key <= key) break;
      items[at] = above;
      at = parent;
    }
    items[at] = added;
  }

  pop(): T {
    const items = this.#items;
    const least = items[0];
    const last = items.pop();
    if (least === undefined || last === undefined) throw new Error('The heap is empty.');
    if (items.length > 0) this.#sink(last);
    return least.item;
  }

  #sink(sunk: { readonly key: number; readonly item: T }): void {
    const items = this.#items;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#keyAt(child + 1) < this.#keyAt(child)) child += 1;
      if (this.#keyAt(child) >= sunk.key) break;
      items[at] = items[child] as { readonly key: number; readonly item: T };
      at = child;
    }
    items[at] = sunk;
  }

  #keyAt(index: number): number {
    return this.#items[index]?.key ?? Number.POSITIVE_INFINITY;
  }
}
