/** What happens to the servers and the processes of the check. Each fault is over when it returns, and repaired. */

import { setTimeout as delay } from 'node:timers/promises';
import type { ReplicatedNode } from '../../support/replication/replicated-node.js';
import { statementsOf } from '../../support/replication/statements.js';
import type { Operator } from './operator.js';
import { oneOf, type Random } from './random.js';

/** What a fault may touch. */
export interface Scene {
  readonly operator: Operator;
  readonly random: Random;
  /** Sends a signal to one of the processes that write and read. */
  signalWorker(index: number, signal: NodeJS.Signals): void;
  readonly workers: number;
}

/** A fault of a replica, or of something beside the writer. */
type Fault = (scene: Scene) => Promise<void>;

const LONGEST_MS = 4_000;

async function forAWhile({ random }: Scene, longestMs = LONGEST_MS): Promise<void> {
  await delay(200 + random() * (longestMs - 200));
}

function anyReplica({ operator, random }: Scene): ReplicatedNode {
  return oneOf(random, operator.replicas);
}

/** Both take writes for a while, as the lost one does not know that it was replaced. Then it is started again as a replica. */
async function comeBackAsWriter(scene: Scene, lost: ReplicatedNode): Promise<void> {
  await forAWhile(scene, 3_000);
  await scene.operator.bringBack(lost);
}

async function withReplicaLate(scene: Scene, work: () => Promise<void>): Promise<void> {
  const late = scene.random() < 0.5 ? anyReplica(scene) : undefined;
  if (late !== undefined) await scene.operator.servers.stopApplying(late);
  await work();
}

/** By name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'planned switch': async (scene) => {
    await scene.operator.switchOver(anyReplica(scene));
  },
  'writer killed and replaced': async (scene) => {
    const { operator } = scene;
    const lost = operator.writer;
    await withReplicaLate(scene, async () => {
      await lost.server.kill('SIGKILL');
      await operator.replaceWriter();
    });
    await forAWhile(scene);
    await operator.bringBack(lost);
  },
  'writer killed and started again': async (scene) => {
    const { writer } = scene.operator;
    await writer.server.kill('SIGKILL');
    await forAWhile(scene);
    await writer.restart();
  },
  'writer stopped': async (scene) => {
    const { server } = scene.operator.writer;
    await server.kill('SIGSTOP');
    await forAWhile(scene);
    await server.kill('SIGCONT');
  },
  'writer stopped and replaced': async (scene) => {
    const { operator } = scene;
    const lost = operator.writer;
    await lost.server.kill('SIGSTOP');
    await withReplicaLate(scene, () => operator.replaceWriter());
    await forAWhile(scene, 8_000);
    await lost.server.kill('SIGCONT');
    await comeBackAsWriter(scene, lost);
  },
  'writer cut off': async (scene) => {
    const { proxy } = scene.operator.writer;
    proxy?.pause();
    await forAWhile(scene);
    proxy?.resume();
  },
  'writer cut off and replaced': async (scene) => {
    const { operator } = scene;
    const lost = operator.writer;
    lost.proxy?.pause();
    await withReplicaLate(scene, () => operator.replaceWriter());
    await forAWhile(scene, 8_000);
    lost.proxy?.resume();
    await comeBackAsWriter(scene, lost);
  },
  'writer reset': async (scene) => {
    scene.operator.writer.proxy?.reset();
  },
  'writer demoted for a while': async (scene) => {
    const { servers, writer } = scene.operator;
    await servers.demote(writer);
    await forAWhile(scene);
    await servers.letWrite(writer);
  },
  'two writers': async (scene) => {
    const { operator } = scene;
    const second = anyReplica(scene);
    await second.admin(...statementsOf(operator.servers.kind).readOnly(false));
    await forAWhile(scene);
    await operator.servers.demote(second);
    if (await operator.inspect(second, false)) await operator.rebuild(second);
  },
  'replica killed': async (scene) => {
    const replica = anyReplica(scene);
    await replica.server.kill('SIGKILL');
    await forAWhile(scene);
    await replica.restart();
  },
  'replica stopped': async (scene) => {
    const { server } = anyReplica(scene);
    await server.kill('SIGSTOP');
    await forAWhile(scene);
    await server.kill('SIGCONT');
  },
  'replica cut off': async (scene) => {
    const { proxy } = anyReplica(scene);
    proxy?.pause();
    await forAWhile(scene);
    proxy?.resume();
  },
  'replica does not apply': async (scene) => {
    const replica = anyReplica(scene);
    await scene.operator.servers.stopApplying(replica);
    await forAWhile(scene);
    await scene.operator.servers.startApplying(replica);
  },
  'replica does not follow': async (scene) => {
    const replica = anyReplica(scene);
    const { stop, start } = statementsOf(scene.operator.servers.kind);
    await replica.admin(stop);
    await forAWhile(scene);
    await replica.admin(start);
  },
  'replica late': async (scene) => {
    const replica = anyReplica(scene);
    const { servers } = scene.operator;
    await servers.delay(replica, 1 + Math.round(scene.random()));
    await forAWhile(scene);
    await servers.delay(replica, 0);
  },
  'replica held up by a lock': async (scene) => {
    const seconds = (0.2 + 3 * scene.random()).toFixed(2);
    await anyReplica(scene).admin('FLUSH TABLES WITH READ LOCK', `SELECT SLEEP(${seconds})`, 'UNLOCK TABLES');
  },
  'replica broken': async (scene) => {
    const { operator } = scene;
    const replica = anyReplica(scene);
    await operator.servers.break(replica, operator.writer);
    await forAWhile(scene);
    await operator.repair(replica);
  },
  'replica restored': async (scene) => {
    await scene.operator.rebuild(anyReplica(scene));
  },
  'process stopped': async (scene) => {
    const index = Math.floor(scene.random() * scene.workers);
    scene.signalWorker(index, 'SIGSTOP');
    await forAWhile(scene);
    scene.signalWorker(index, 'SIGCONT');
  },
  'process stopped during a switch': async (scene) => {
    const index = Math.floor(scene.random() * scene.workers);
    scene.signalWorker(index, 'SIGSTOP');
    await scene.operator.switchOver(anyReplica(scene));
    scene.signalWorker(index, 'SIGCONT');
  },
};
