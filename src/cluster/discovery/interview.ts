/** One look at a server: questions that it may refuse, and what it refused, in words for an operator. */

import { isServerError, type ServerError } from '../../mysql/index.js';
import type { NodeConnection } from '../contract/index.js';

/** A row of an answer, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** Access is denied: to a statement, a database, a table, a column. */
const DENIED: ReadonlySet<number> = new Set([1044, 1142, 1143, 1227, 1370]);

/** The statement is not known in these words. */
const PARSE_ERROR = 1064;

/** Asks one server. What it may not or cannot answer becomes a complaint; only a connection that breaks ends the look. */
export class Interview {
  readonly #complaints: string[] = [];

  constructor(readonly connection: NodeConnection) {}

  get complaints(): readonly string[] {
    return this.#complaints;
  }

  complain(sentence: string): void {
    if (!this.#complaints.includes(sentence)) this.#complaints.push(sentence);
  }

  /**
   * The rows of an answer; undefined when the server refuses, which becomes a complaint.
   *
   * @param without what is not known without the answer, as in "how far it lags is not known"
   * @param grant what the user needs, as in "REPLICATION CLIENT ON *.*"
   * @param statements the same question in the words of different versions, the newest first
   */
  async ask(without: string, grant: string, ...statements: readonly [string, ...string[]]): Promise<readonly Row[] | undefined> {
    for (const [index, sql] of statements.entries()) {
      try {
        return await this.connection.rows(sql);
      } catch (error) {
        if (!isServerError(error)) throw error;
        if (error.errno === PARSE_ERROR && index < statements.length - 1) continue;
        this.complain(await this.#wordsOf(error, without, grant));
        return undefined;
      }
    }
    return undefined;
  }

  async #wordsOf({ errno, message }: ServerError, without: string, grant: string): Promise<string> {
    if (!DENIED.has(errno)) return `${without}: ${message}.`;
    const [row] = await this.connection.rows('SELECT CURRENT_USER() AS user');
    // `user@host` as the server has it, in the quotes of a GRANT.
    const account = String(row?.['user']).replace(/^(.*)@([^@]*)$/su, "'$1'@'$2'");
    return `${without}: GRANT ${grant} TO ${account}.`;
  }
}

/** A number of an answer: some come as text. Null, and anything that is not a number: undefined. */
export function numberOf(value: unknown): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const number = Number(value);
  return Number.isNaN(number) ? undefined : number;
}

/** A value of an answer. */
type Cell = string | number | boolean | null | undefined;

/** A text of an answer; null and nothing: ''. */
export function cellText(value: unknown): string {
  return String((value as Cell) ?? '');
}
