/** Something that is measured for several contestants under the same conditions. */
export interface Scenario<C extends Case = Case> {
  /** What `npm run bench -- NAME` calls it. */
  readonly name: string;
  readonly title: string;
  /** What is measured. */
  readonly about: string;
  /** What is the same for every contestant, and what each contestant's setting is where it has one of its own. */
  readonly heldFixed: readonly string[];
  readonly cases: readonly C[];
  /** Less is better, for all of them. The first one is drawn. */
  readonly metrics: Readonly<Record<string, Metric>>;
  /** Our contestants, which the others are compared with. */
  readonly ours: readonly string[];
  /** Contestants that are not rivals but limits or yardsticks: what cannot be beaten, or what no service would use. */
  readonly limits: readonly string[];
  /** Figures that a contestant has beyond those of another one, round by round: `{ added: { of: 'cpu', beyond: { traced: 'untraced' } } }`. */
  readonly differences?: Readonly<Record<string, Difference>>;
  readonly contestants: Readonly<Record<string, CreateContestant<C>>>;
  readonly rounds: number;
  readonly warmUpRounds: number;
  /** Whether each round starts a process of its own: for what happens once in a process's life. */
  readonly freshProcess?: true;
  /** Whether a round is repeated in which the machine was slow, as a loop of fixed work in the contestant's process shows. */
  readonly steadyMachine?: true;
  /** Whether the server and the contestants are kept on different cores, but for cases that write: for the cost of statements. */
  readonly ownCores?: true;
  /** How long a round of one contestant may take before it is ended and counted as not done. Default: 20 s, many times what a round should take. */
  readonly roundLimitMs?: number;
  /** Runs on a source with two replicas instead of one server: on MySQL, always. */
  readonly replicated?: true;
  /** Connections through `delayed` are opened this much later. */
  readonly connectDelayMs?: number;
}

/** One setting of what varies in a scenario. */
export interface Case {
  readonly name: string;
  /** Also part of the short form. */
  readonly quick?: true;
  /**
   * It writes so much that the server needs all cores: on one core, twenty writing threads of MariaDB 10.11 sometimes do next to nothing
   * for a minute but wait for InnoDB's locks.
   */
  readonly writes?: true;
  /** Default: the scenario's. Fewer for what takes long, more for what varies from process to process. */
  readonly rounds?: number;
}

/** A figure of a round. */
export interface Metric {
  readonly label: string;
  readonly unit: 'ns' | 'ms' | 'bytes' | 'count' | 'percent';
  /** Rivals are compared with us by it, in the tables and by `npm run bench:check`. */
  readonly compared?: true;
  /** It is a time per one of these: the rate per second is printed too. */
  readonly rate?: string;
  /** A figure that is not below this stands for "not within this". */
  readonly cap?: number;
}

/** What one contestant costs more than another, in the same round. */
export interface Difference {
  readonly of: string;
  /** From a contestant to the one that it is compared with. */
  readonly beyond: Readonly<Record<string, string>>;
}

/** What a round has measured: a value for each metric that this contestant has. */
export type Figures = Readonly<Record<string, number>>;

export type CreateContestant<C extends Case = Case> = (surroundings: Surroundings) => Promise<Contestant<C>>;

/** One rival in one scenario. It checks what it gets and throws when that is wrong, which ends the whole run. */
export interface Contestant<C extends Case = Case> {
  run(setting: C, round: Round): Promise<Figures>;
  /** How many connections it must have on the server after each case, as the server counts them. Default: not looked at. */
  readonly connections?: number;
  close(): Promise<unknown>;
}

export interface Round {
  /** 0 for the first one that counts; warm-up rounds are below. */
  readonly number: number;
  /** Fraction of the usual amount of work. */
  readonly scale: number;
}

/** Where a database is, and as whom to connect. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** TLS that verifies certificate and name against this authority. */
  readonly ca?: string;
}

/** A source with its replicas, and the two ports of a MySQL Router before them. */
export interface ReplicatedAddresses {
  readonly source: Address;
  readonly replicas: readonly Address[];
  readonly router: { readonly write: Address; readonly read: Address };
}

/** What a contestant may need of the outside. */
export interface Surroundings {
  /** Its name with nothing but letters, digits and underscores: for tables of its own. */
  readonly id: string;
  /** The account of this contestant: no other contestant uses it, so that the server can count its connections. */
  readonly database: Address;
  /** An account of this contestant that the server refuses without TLS. */
  readonly tls: Address;
  /** The same server behind a door that opens late: see `connectDelayMs`. */
  readonly delayed: Address;
  /** An authority that has not signed the server's certificate. */
  readonly wrongCa: string;
  /** Of scenarios that are `replicated`. */
  readonly replicated?: ReplicatedAddresses;
  readonly ask: Questions;
}

/** What a contestant asks of the runner, which knows the server from the other side. */
export interface Questions {
  /** How many connections of this contestant the server has now. */
  connections(): Promise<number>;
  /** Ends the server by SIGKILL. */
  killDatabase(): Promise<void>;
  /** Starts it again; resolves when it accepts connections. */
  startDatabase(): Promise<void>;
  /** SIGSTOP: the server stands still, its sockets stay. */
  freezeDatabase(): Promise<void>;
  /** SIGCONT. */
  thawDatabase(): Promise<void>;
  /** The right to write goes from the source to its first replica, as an operator moves it. Resolves with the milliseconds in which no server had it. */
  switchSource(): Promise<number>;
  /** The source is killed, and its first replica promoted at once. Resolves with the milliseconds that this took. */
  loseSource(): Promise<number>;
  /** The first server is the source again, and its replicas have all that it has. */
  restoreSource(): Promise<void>;
}
