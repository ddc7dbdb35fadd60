/** One rival in one scenario: what it does `operations` times. It must check what it gets and throw when that is wrong. */
export interface Contestant {
  /** Runs `operations` operations by `callers` concurrent callers. */
  run(callers: number, operations: number): Promise<void>;
  close(): Promise<void> | void;
}

/** What a contestant may need of the outside. */
export interface Surroundings {
  /** A MariaDB that was started for this run. */
  readonly databaseUrl: string;
}

/** Something to be measured, by several contestants under the same conditions. */
export interface Scenario {
  readonly name: string;
  /** What is measured, what is held fixed, and what each contestant does. */
  readonly about: string;
  readonly callers: readonly number[];
  readonly needsDatabase: boolean;
  /** The contestant that the others are compared with. */
  readonly ours: string;
  /** Contestants that are not rivals but limits: what cannot be beaten. */
  readonly limits: readonly string[];
  readonly contestants: Readonly<Record<string, (surroundings: Surroundings) => Promise<Contestant>>>;
  /** How many operations make a round of a fair length. */
  operations(callers: number): number;
}
