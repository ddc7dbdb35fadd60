/** Opens a breaker after this many failures in a row. */
export class ConsecutiveFailures {
  #inARow = 0;

  constructor(private readonly most: number) {}

  noteSuccess(): undefined {
    this.#inARow = 0;
    return undefined;
  }

  noteFailure(): string | undefined {
    this.#inARow += 1;
    return this.#inARow >= this.most ? `${this.#inARow} calls in a row failed` : undefined;
  }

  reset(): void {
    this.#inARow = 0;
  }
}
