import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes half a minute and more on two processors, the longest first. Begun last, one of these would run alone at the end. */
export const LONGEST: readonly string[] = [
  'test/agents/agents.test.ts',
  'test/browser/site.test.ts',
  'test/package/package.test.ts',
  'test/monitor/optional-peer.test.ts',
  'test/cache/serving/stampede.test.ts',
  'test/ecosystem/register.test.ts',
  'test/cache/redis/failover.test.ts',
  'test/mysql/pools/shapes.test.ts',
  'test/examples/examples.test.ts',
  'test/browser/dashboard-page.test.ts',
  'test/faults/aborts.test.ts',
  'test/demo/start.test.ts',
  'test/mysql/statements/callers-mistakes.test.ts',
  'test/cache/redis/redis-client.test.ts',
  'test/mysql/caching/known-schema.test.ts',
  'test/recipes/recipes.test.ts',
  'test/cache/redis/redis-tier.test.ts',
  'test/cache/redis/faults.test.ts',
  'test/support/servers/mariadb-server.test.ts',
  'test/mysql/contexts/kept-stores.test.ts',
  'test/mysql/pools/process-lifecycle.test.ts',
  'test/cluster/replicated/checked.test.ts',
  'test/cluster/replicated/lost-replicas.test.ts',
  'test/mysql/roles/server-role.test.ts',
  'test/faults/server.test.ts',
  'test/faults/network.test.ts',
  'test/faults/connections.test.ts',
  'test/cli/doctor-login.test.ts',
  'test/cli/doctor-proxies.test.ts',
  'test/browser/dashboard-live.test.ts',
  'test/browser/dashboard-topology.test.ts',
  'test/support/replication/group.test.ts',
  'test/cluster/discovery/group-replication.test.ts',
  'test/sql/server-view/server-view.test.ts',
  'test/simulation/random-schedules.test.ts',
  'test/simulation/hostile-schedules.test.ts',
];

/** Where a file stands in that list; behind its end where it does not. */
function placeOf({ moduleId }: TestSpecification): number {
  const place = LONGEST.findIndex((path) => moduleId.endsWith(`/${path}`));
  return place === -1 ? LONGEST.length : place;
}

/** The order of test files: known long ones first, then as Vitest has it, by their last durations or their sizes. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}
