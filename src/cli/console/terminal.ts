/** Writes answers, notes, colours and progress to the terminal. */

import { styleText } from 'node:util';
import { setTimeout, clearTimeout, setInterval, clearInterval, performance } from '../../engine/waiting/index.js';

type Style = Parameters<typeof styleText>[0];

/** How long work may take before progress is shown. */
const PROGRESS_AFTER_MS = 1_000;
const PROGRESS_EVERY_MS = 1_000;

/** What a command writes to: answers go to stdout, progress and remarks to stderr. */
export class Terminal {
  readonly #out: NodeJS.WriteStream;
  readonly #err: NodeJS.WriteStream;
  readonly json: boolean;

  constructor(json: boolean, out: NodeJS.WriteStream = process.stdout, err: NodeJS.WriteStream = process.stderr) {
    this.json = json;
    this.#out = out;
    this.#err = err;
  }

  /** Whether the output is a screen, which may be drawn again. */
  get isScreen(): boolean {
    return this.#out.isTTY && !this.json;
  }

  get rows(): number {
    return this.#out.rows ?? 24;
  }

  /** A line of the answer. */
  say(text: string): void {
    this.#out.write(`${text}\n`);
  }

  /** The answer, for machines. */
  sayJson(value: unknown): void {
    this.say(JSON.stringify(value));
  }

  /** Draws a whole screen. Precondition: `isScreen`. */
  draw(lines: readonly string[]): void {
    const visible = lines.slice(0, Math.max(1, this.rows - 1));
    this.#out.write(`\x1b[H${visible.map((line) => `${line}\x1b[K`).join('\n')}\n\x1b[J`);
  }

  /** A line beside the answer. */
  sayAside(text: string): void {
    this.#err.write(`${text}\n`);
  }

  /** Colours only where a terminal shows them; NO_COLOR and FORCE_COLOR are heeded as by Node. */
  paint(style: Style, text: string): string {
    const shows = !this.json && this.#out.isTTY && this.#out.hasColors();
    return shows ? styleText(style, text) : text;
  }

  /** Shows `what` as progress when the work takes over a second: each second on a screen, else once. */
  async during<T>(what: () => string, work: Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const screen = this.#err.isTTY;
    const show = (): void => {
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      if (screen) this.#err.write(`\r… ${what()} (${seconds} s)\x1b[K`);
      else this.#err.write(`… ${what()}\n`);
    };
    let again: NodeJS.Timeout | undefined;
    const first = setTimeout(() => {
      show();
      if (screen) again = setInterval(show, PROGRESS_EVERY_MS);
    }, PROGRESS_AFTER_MS);
    try {
      return await work;
    } finally {
      clearTimeout(first);
      clearInterval(again);
      if (again !== undefined) this.#err.write('\r\x1b[K');
    }
  }
}

/** One line for any thrown value, without a stack; errors of ours never hold a secret. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? error.message : `${code}: ${error.message}`;
}

/** A duration with as many digits as say something. */
export function shown(milliseconds: number): string {
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
}
