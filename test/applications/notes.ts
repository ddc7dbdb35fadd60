/** What visitors do in applications that keep notes: write one, through every failure, and read it again. */
import { Refusal, type Request, type Visitor } from './visitor.js';

type Question = readonly [path: string, init: Request];

/** How an application is asked. */
export interface Notes {
  readonly write: Question;
  readonly read: Question;
  /** The notes in the answer to `read`. */
  readonly notesIn: (body: string) => readonly { readonly task: string }[];
}

/** Writes the note with the visitor's task until it is there, once. */
export async function writeNote(visitor: Visitor, notes: Notes): Promise<void> {
  const read = (): Promise<boolean | undefined> =>
    visitor.ask(...notes.read, (body) => {
      const found = notes.notesIn(body);
      if (found.some(({ task }) => task !== visitor.task)) throw new Refusal('the answer to another visitor');
      return found.length > 0;
    });
  let isThere = false;
  while (!isThere) {
    let answer: boolean | undefined = await visitor.ask(...notes.write, () => true);
    // After a failure nothing says whether it is written, so the visitor looks.
    while (answer === undefined) answer = await read();
    isThere = answer;
  }
  while ((await read()) !== true);
  visitor.acknowledge();
}
