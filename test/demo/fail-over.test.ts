import { expect, it } from 'vitest';
import { FailOver, type Scene } from '../../src/demo/fail-over/fail-over.js';
import { pools } from '../../src/index.js';
import { serve } from '../monitor/support/serve.js';
import { waitFor } from '../support/wait-for.js';

interface Answer {
  readonly result: { readonly data: { readonly incidents: readonly { readonly cause: string; readonly end: number | null }[] } };
}

it('the demo stages fail-overs: no server takes writes, the replica is promoted, the lost one comes back, and no caller fails', async () => {
  const stop = new AbortController();
  const said: string[] = [];
  const scenes: Scene[] = [];
  let url = '';
  const readiness = async (): Promise<string> => JSON.stringify(await (await fetch(`${url}/readyz`)).json());
  const incidents = async () => ((await (await fetch(`${url}/api/trpc/monitoring.incidents`)).json()) as Answer).result.data.incidents;
  const withoutWriter = async (isOver: boolean): Promise<number> =>
    (await incidents()).filter(({ cause, end }) => cause === 'no-writer' && (end !== null) === isOver).length;
  const topology = () => failOver.shop?.db.topology();
  const stateOf = (name: string | undefined) => topology()?.nodes.find((node) => node.name === name)?.state;
  let round = 1;
  let before: string | undefined = undefined;
  const show = async (scene: Scene): Promise<void> => {
    scenes.push(scene);
    if (round === 3) throw new Error('it is broken');
    if (scene === 'calm') {
      await waitFor(
        'both servers to be up',
        topology,
        (now) => now?.writer !== undefined && now.nodes.every(({ state }) => state === 'up'),
      );
      before = topology()?.writer;
    } else if (scene === 'no-writer') {
      await waitFor('no writer', readiness, (text) => text.includes('no server takes writes since'));
      await waitFor(
        'waiting callers',
        () => failOver.shop?.db.summary().waiting ?? 0,
        (waiting) => waiting > 1,
      );
      await waitFor('the incident', () => withoutWriter(false));
      expect(stateOf(before)).toBe('down');
    } else if (scene === 'promoted') {
      await waitFor('another writer', topology, (now) => now?.writer !== undefined && now.writer !== before);
      await waitFor(
        'the waiting writes to be done',
        () => failOver.shop?.db.summary().waiting,
        (waiting) => waiting === 0,
      );
    } else {
      await waitFor(
        'the lost server to be up',
        () => stateOf(before),
        (state) => state === 'up',
      );
      expect(topology()?.nodes.find(({ name }) => name === before)).toMatchObject({ role: 'reader' });
      // One that comes soon after another continues it.
      await waitFor('the end of the incident', async () => (await withoutWriter(false)) === 0 && (await withoutWriter(true)) > 0);
    }
  };
  const failOver = new FailOver((text) => said.push(text), stop.signal, show);
  try {
    await using server = await serve({ pools: () => [...pools().values()].filter(({ name }) => name === 'shop') });
    url = server.url;
    for (; round <= 2; round += 1) {
      await failOver.run();
      expect(topology()?.changes.filter(({ what }) => what === 'writer')).toHaveLength(1 + 2 * round);
    }
    await expect(failOver.run()).rejects.toThrow('it is broken');
    expect([failOver.shop, pools().has('shop')]).toEqual([undefined, false]);
  } finally {
    await failOver.close();
  }
  expect(scenes).toEqual([...Array(2)].flatMap(() => ['calm', 'no-writer', 'promoted', 'back']).concat('calm'));
  expect(said.filter((text) => text.startsWith('Fail-over: '))).toEqual(
    [...Array(2)].map((): unknown =>
      expect.stringMatching(/^Fail-over: \d+ statements done, 0 failed, the longest write took \d+\.\d s\.$/),
    ),
  );
  expect(said[0]).toBe('Starting two MariaDB servers, a writer and its replica …');
  expect(pools().has('shop')).toBe(false);
});
