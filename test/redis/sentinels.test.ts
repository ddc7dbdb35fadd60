import type { Socket } from 'node:net';
import { afterEach, describe, expect, it, type Mock, vi } from 'vitest';
import { type SentinelClient, Sentinels } from '../../src/redis/sentinels.js';
import { errorOf } from '../support/pool-on-database.js';

type Answer = [host: string, port: string] | null | 'silent' | Error;

const OLD: Answer = ['10.0.0.1', '6379'];
const NEW: Answer = ['10.0.0.2', '6379'];

/** Sentinels that give these answers; each may be changed later. */
function sentinelsThat(answers: Answer[], boundMs = 60_000): { readonly sentinels: Sentinels; readonly disconnected: number[] } {
  const disconnected: number[] = [];
  const clients = answers.map(
    (_, index): SentinelClient => ({
      status: 'ready',
      call: () => {
        const answer = answers[index];
        if (answer === 'silent') return new Promise(() => undefined);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      disconnect: () => void disconnected.push(index),
      close: () => undefined,
    }),
  );
  const sentinels = new Sentinels(clients, 'main', boundMs);
  toClose.push(sentinels);
  return { sentinels, disconnected };
}

function masterAt(
  remoteAddress: string,
  remotePort = 6379,
): { stream: { remoteAddress: string; remotePort: number; destroy: Mock<() => Socket> } } {
  return { stream: { remoteAddress, remotePort, destroy: vi.fn<() => Socket>() } };
}

const toClose: Sentinels[] = [];
afterEach(() => {
  for (const sentinels of toClose.splice(0)) sentinels.close();
});

describe('the sentinels', () => {
  it('confirm the master that more than half of them name', async () => {
    const { sentinels } = sentinelsThat([OLD, OLD, new Error('gone')]);
    const master = masterAt('::ffff:10.0.0.1');
    expect(sentinels.confirmedAt(master)).toBe(Number.NEGATIVE_INFINITY);
    const askedAt = performance.now();
    await sentinels.confirm(master);
    expect(sentinels.confirmedAt(master)).toBeGreaterThanOrEqual(askedAt);
    expect(sentinels.confirmedAt(masterAt('10.0.0.1', 6380))).toBe(Number.NEGATIVE_INFINITY);
  });

  it('do not wait for one that is silent', async () => {
    const { sentinels } = sentinelsThat([OLD, 'silent', OLD]);
    const master = masterAt('10.0.0.1');
    await sentinels.confirm(master);
    expect(sentinels.confirmedAt(master)).toBeGreaterThan(0);
  });

  it.each<[string, Answer[]]>([
    ['half of an even number', [OLD, OLD, NEW, NEW]],
    ['one of three, and two that fail', [OLD, new Error('gone'), new Error('gone')]],
    ['a group that they do not know', [null, null, OLD]],
  ])('confirm nothing with %s', async (_, answers) => {
    const { sentinels } = sentinelsThat(answers);
    const master = masterAt('10.0.0.1');
    expect(await errorOf(sentinels.confirm(master))).toMatchObject({ message: 'Fewer than half of the sentinels name the same master' });
    expect(sentinels.confirmedAt(master)).toBe(Number.NEGATIVE_INFINITY);
  });

  it('cut the connection to a master that they do not name any more', async () => {
    const answers: Answer[] = [OLD, OLD, OLD];
    const { sentinels } = sentinelsThat(answers);
    const master = masterAt('10.0.0.1');
    sentinels.watchMaster(master);
    await sentinels.confirm(master);
    expect(master.stream.destroy).not.toHaveBeenCalled();
    answers.splice(0, 2, NEW, NEW);
    expect(await errorOf(sentinels.confirm(master))).toMatchObject({ message: 'The sentinels name another master' });
    expect(master.stream.destroy).toHaveBeenCalled();
    expect(sentinels.confirmedAt(master)).toBe(Number.NEGATIVE_INFINITY);
  });

  it('do not confirm a connection that was made while they were asked', async () => {
    const { sentinels } = sentinelsThat([OLD]);
    const master = masterAt('10.0.0.1');
    const confirming = errorOf(sentinels.confirm(master));
    Object.assign(master, { stream: masterAt('10.0.0.1').stream });
    expect(await confirming).toMatchObject({ message: 'The sentinels name another master' });
  });

  it('are asked again by themselves; a connection to one that does not answer in time is given up', async () => {
    const answers: Answer[] = [OLD, OLD, 'silent'];
    const { sentinels, disconnected } = sentinelsThat(answers, 80);
    const master = masterAt('10.0.0.1');
    sentinels.watchMaster(master);
    await vi.waitFor(() => expect(sentinels.confirmedAt(master)).toBeGreaterThan(0));
    answers.splice(0, 2, NEW, NEW);
    await vi.waitFor(() => expect(master.stream.destroy).toHaveBeenCalled());
    await vi.waitFor(() => expect(disconnected).toContain(2));
  });
});
