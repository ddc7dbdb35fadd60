/** The trouble in which a cluster loses its writer: its replica is promoted, and the lost one comes back as the replica. */
import { pause } from '../../engine/waiting/index.js';
import { ReplicatedPair } from './replicated-pair.js';
import { Shop } from './shop.js';

/** What is to be seen between two steps of the operator. */
export type Scene = 'calm' | 'no-writer' | 'promoted' | 'back';

const LASTS_MS: Readonly<Record<Scene, number>> = { calm: 4_000, 'no-writer': 6_000, promoted: 8_000, back: 4_000 };

/** Stages fail-overs on a cluster that it starts when the first one is asked for. */
export class FailOver {
  #stage: { readonly pair: ReplicatedPair; readonly shop: Shop } | undefined = undefined;

  /**
   * @param stop ends the fail-over that runs
   * @param show resolves when the next step may follow
   */
  constructor(
    private readonly say: (text: string) => void,
    private readonly stop: AbortSignal,
    private readonly show: (scene: Scene) => Promise<void> = (scene) => pause(LASTS_MS[scene], { signals: [stop] }),
  ) {}

  /** The cluster; undefined before the first fail-over, and after one that failed. */
  get shop(): Shop | undefined {
    return this.#stage?.shop;
  }

  /**
   * Stages a fail-over. When it cannot be carried through, the cluster is closed, and the next one begins with new servers.
   *
   * @throws Error what a server answered, or why it does not start
   */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends the cluster and its servers. */
  async close(): Promise<void> {
    const stage = this.#stage;
    this.#stage = undefined;
    await stage?.shop.stop();
    await stage?.pair.stop();
  }

  async #run(): Promise<void> {
    const { pair, shop } = await this.#opened();
    if (!(await this.#shown('calm'))) return;
    shop.takeTraffic();
    this.say(`The writer ${pair.writerName} is killed (SIGKILL).`);
    await pair.killWriter();
    if (!(await this.#shown('no-writer'))) return;
    this.say(`The operator promotes the replica ${pair.replicaName}.`);
    await pair.promoteReplica();
    if (!(await this.#shown('promoted'))) return;
    this.say(`The lost server ${pair.replicaName} comes back as the replica of ${pair.writerName}.`);
    await pair.bringBackReplica();
    await this.#shown('back');
    const { done, failed, longestWriteMs } = shop.takeTraffic();
    this.say(`Fail-over: ${done} statements done, ${failed} failed, the longest write took ${(longestWriteMs / 1_000).toFixed(1)} s.`);
  }

  async #shown(scene: Scene): Promise<boolean> {
    if (!this.stop.aborted) await this.show(scene);
    return !this.stop.aborted;
  }

  async #opened(): Promise<{ readonly pair: ReplicatedPair; readonly shop: Shop }> {
    if (this.#stage !== undefined) return this.#stage;
    this.say('Starting two MariaDB servers, a writer and its replica …');
    const pair = await ReplicatedPair.start();
    this.#stage = { pair, shop: new Shop(pair) };
    await this.#stage.shop.open();
    return this.#stage;
  }
}
