import type { Questions } from '../scenario.js';
import type { Door } from './delayed-door.js';
import type { SentSurroundings } from './messages.js';

/** The servers of a run, one or several, as the rounds of a scenario need them. */
export interface Surrounding extends AsyncDisposable {
  surroundingsFor(contestant: string, door: Door | undefined): Promise<SentSurroundings>;
  /** Keeps the server on these cores from now on. */
  useCores?(cores: string): void;
  openDoor(delayMs: number): Promise<Door>;
  questionsOf(contestant: string): Questions;
  /** How many connections of this contestant the server has. */
  connectionsOf(contestant: string): Promise<number>;
  version(): Promise<string>;
}
