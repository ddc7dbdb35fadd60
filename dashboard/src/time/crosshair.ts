/** The moment that all charts mark, and the stretch that is being chosen. Kept outside React: a pointer moves often. */

import type { Span } from './window.js';

/** A moment under the pointer goes when the pointer goes; a marked one stays. */
export class Crosshair {
  #hovered: number | undefined = undefined;
  #marked: number | undefined = undefined;
  #brush: Span | undefined = undefined;
  #active = '';
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** In milliseconds since 1970. */
  readonly moment = (): number | undefined => this.#hovered ?? this.#marked;

  readonly marked = (): number | undefined => this.#marked;

  /** The stretch between its two ends, in the order in which they were chosen. */
  readonly brush = (): Span | undefined => this.#brush;

  /** The chart that has the pointer or the keyboard. */
  readonly active = (): string => this.#active;

  hover(at: number | undefined, chart = ''): void {
    this.#hovered = at;
    this.#active = at === undefined ? '' : chart;
    this.#tell();
  }

  mark(at: number | undefined, chart = ''): void {
    this.#hovered = undefined;
    this.#marked = at;
    this.#active = at === undefined ? '' : chart;
    this.#tell();
  }

  choose(brush: Span | undefined): void {
    this.#brush = brush;
    this.#tell();
  }

  /** @returns whether there was anything to take away */
  clear(): boolean {
    const had = this.#brush !== undefined || this.#marked !== undefined;
    this.#brush = undefined;
    this.mark(undefined);
    return had;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
