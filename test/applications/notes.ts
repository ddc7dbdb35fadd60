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
  let isWritten: boolean | undefined = false;
  while (isWritten !== true) {
    isWritten = await visitor.ask(...notes.write, () => true);
    // After a failure nobody knows whether it is written, until they look.
    while (isWritten === undefined) isWritten = await read();
  }
  while ((await read()) !== true);
  visitor.acknowledge();
}
