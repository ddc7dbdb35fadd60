import { describe, expect, it } from 'vitest';
import { makeCluster } from '../../../src/cluster/clusters/index.js';
import { resolveClusterOptions } from '../../../src/cluster/clusters/options.js';
import type { ClusterOptions } from '../../../src/cluster/contract/index.js';
import type { PoolError } from '../../../src/engine/index.js';
import { pools } from '../../../src/mysql/registry.js';

const NODES = ['mysql://app:secret@a.example/shop', 'mysql://app:secret@b.example/shop'];

function resolve(options: object, environment = {}) {
  return resolveClusterOptions(options as ClusterOptions, environment);
}

function refusalOf(options: object): string {
  try {
    resolve(options);
  } catch (error) {
    expect((error as PoolError).code).toBe('POOL_OPTION_INVALID');
    return (error as Error).message;
  }
  throw new Error('It was taken.');
}

describe('the options of a cluster', () => {
  it('have defaults, and a name from the database', () => {
    const resolved = resolve({ nodes: NODES });
    expect(resolved).toMatchObject({
      name: 'shop',
      discovery: 'auto',
      reads: { consistency: 'session', maxLag: 1_000, fallback: 'writer', waitTimeout: 1_000 },
      monitor: { interval: 1_000, intervalInDoubt: 250, timeout: 1_000 },
      failureDetection: undefined,
    });
    expect(resolved.nodes.map(({ name }) => name)).toEqual(['a.example:3306', 'b.example:3306']);
  });

  it('give each node the options of the pool, and let it say how it is reached', () => {
    const { nodes } = resolve({
      nodes: [
        'mysql://app:secret@a.example/shop',
        { host: 'b.example', port: 3307, user: 'other', password: 'hidden', database: 'shop', ssl: false },
      ],
      connectionLimit: 7,
    });
    expect(nodes[0]?.options).toMatchObject({ atStart: { connectionLimit: 7 }, tls: { mode: 'verified' }, connection: { user: 'app' } });
    expect(nodes[1]?.options).toMatchObject({ atStart: { connectionLimit: 7 }, tls: { mode: 'off' }, connection: { user: 'other' } });
  });

  it('give a server that was discovered what the first node says, at its own address', () => {
    const found = resolve({ nodes: NODES }).optionsAt({ host: 'c.example', port: 3310 });
    expect(found.endpoint).toEqual({ host: 'c.example', port: 3310, database: 'shop', socketPath: undefined });
    expect(found.connection).toMatchObject({ host: 'c.example', port: 3310, user: 'app', password: 'secret' });
    expect(found.tls.mode).toBe('verified');
  });

  it('leave the URL of the environment to pools', () => {
    const environment = { DATABASE_URL: 'mysql://root@elsewhere/other', POOLWRIGHT_CONNECTION_LIMIT: '3' };
    const { nodes } = resolve({ nodes: NODES }, environment);
    expect(nodes[0]?.options).toMatchObject({ endpoint: { host: 'a.example' }, atStart: { connectionLimit: 3 } });
    expect(() => resolve({ nodes: [{ user: 'app' }] }, environment)).toThrow('nodes[0] says no address');
  });

  it.each<[string, object, string]>([
    ['no nodes', {}, 'nodes must be a list of at least one URL'],
    ['an empty list', { nodes: [] }, 'nodes must be a list of at least one URL'],
    ['a node that is not a URL', { nodes: [7] }, 'nodes[0] must be a database URL'],
    ['a misspelled option', { nodes: NODES, discovry: 'static' }, 'Unknown option discovry. Did you mean discovery?'],
    ['a misspelled option of a group', { nodes: NODES, reads: { maxLagg: 5 } }, 'Unknown option reads.maxLagg. Did you mean reads.maxLag?'],
    [
      'a wrong value in a group',
      { nodes: NODES, reads: { fallback: 'hope' } },
      "reads.fallback must be one of 'writer', 'refuse'; given: 'hope'.",
    ],
    ['a group that is not an object', { nodes: NODES, monitor: 5 }, 'monitor must be an object of options'],
    ['an unknown discovery', { nodes: NODES, discovery: 'magic' }, "discovery must be one of 'auto'"],
    ['an address that is no function', { nodes: NODES, address: 'a' }, 'address must be a function'],
    [
      'equal addresses',
      { nodes: [...NODES, 'mysql://other@A.example:3306/shop'] },
      'nodes[0] and nodes[2] have the same address, a.example:3306',
    ],
    ['two databases', { nodes: [NODES[0], 'mysql://app@b.example/blog'] }, "nodes[0] names database 'shop' and nodes[1] 'blog'"],
    ['an address beside nodes', { nodes: NODES, host: 'c.example' }, 'host says where one server is: give it as one of the nodes.'],
    ['a role', { nodes: NODES, role: 'reader' }, 'role is not for a cluster'],
    [
      'a limit of one node',
      { nodes: [{ host: 'a.example', connectionLimit: 5 }] },
      'nodes[0] says connectionLimit, which is the same for all nodes',
    ],
    ['a limit in the URL of one node', { nodes: ['mysql://a.example/shop?connectionLimit=5'] }, 'nodes[0] says connectionLimit in its URL'],
    ['a pool option that is wrong', { nodes: NODES, connectionLimit: 0 }, 'connectionLimit must be'],
    [
      'looks that slow down in doubt',
      { nodes: NODES, monitor: { interval: 100, intervalInDoubt: 200 } },
      'monitor.intervalInDoubt (200) must not be above',
    ],
    ['a detection without its beginning', { nodes: NODES, failureDetection: {} }, 'failureDetection needs after'],
  ])('refuse %s', (_what, options, message) => {
    expect(refusalOf(options)).toContain(message);
  });

  it('show no password when they are refused', () => {
    expect(refusalOf({ nodes: ['mysql://app:secret@a.example/shop?connectionLimit=5'] })).not.toContain('secret');
    expect(refusalOf({ nodes: [['mysql://app:secret@a.example/shop']] })).not.toContain('secret');
  });

  it('open nothing and list nothing when they are refused', () => {
    const listed = [...pools().keys()];
    const looked: string[] = [];
    const make = () =>
      makeCluster({ nodes: [...NODES, NODES[0] as string], name: 'refused' }, {}, ({ endpoint }) => {
        looked.push(endpoint.host);
        throw new Error('bug: it was looked at');
      });
    expect(make).toThrow('have the same address');
    expect(looked).toEqual([]);
    expect([...pools().keys()]).toEqual(listed);
  });
});
