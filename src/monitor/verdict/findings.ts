/** What is wrong with a pool now: every finding, a cause before its consequences. */

import type { CheckStatus, Health } from '../../mysql/index.js';
import { holdersOf, sentenceOn } from './borrower.js';
import { readerTrouble, sentencesOnNodes, writerTrouble } from './cluster.js';
import type { Cause, Trouble, JudgedPool } from './finding.js';
import { capitalised, counted, duration } from './words.js';

type Check = Health['checks'][number];
type Name = Check['name'];

/** A pool, and which of its checks are not explained yet. */
interface Case extends JudgedPool {
  readonly now: number;
  readonly check: (name: Name) => Check | undefined;
}

/** What a judge finds, and the checks that it explains. */
interface Explained {
  readonly explains: readonly Name[];
  readonly finding: Trouble;
}

type Judge = (pool: Case) => Explained | undefined;

/** While one of these is so, these checks report its consequences. */
const CONSEQUENCES: Readonly<Partial<Record<Cause, readonly Name[]>>> = {
  suspended: ['callers', 'waiting', 'utilization'],
  ending: ['callers', 'waiting', 'utilization', 'connections', 'connect-errors', 'breakers'],
  'no-writer': ['callers', 'waiting', 'connections', 'connect-errors', 'breakers', 'endpoint'],
  'database-away': ['callers', 'waiting', 'utilization', 'connect-errors', 'breakers', 'endpoint'],
  breaker: ['callers', 'waiting', 'connect-errors'],
  exhausted: ['callers', 'waiting', 'utilization'],
};

/**
 * What is wrong with a pool. Its own checks have judged it: nothing is judged a second time here, so the worst of the findings is the status of its
 * health.
 *
 * @param now milliseconds since 1970
 */
export function findingsOn(pool: JudgedPool, now: number): readonly Trouble[] {
  const open = new Map(pool.health.checks.filter(({ status }) => status !== 'pass').map((check) => [check.name, check]));
  const all: Case = { ...pool, now, check: (name) => open.get(name) };
  const findings: Trouble[] = [];
  for (const judge of JUDGES) {
    const found = judge(all);
    if (found === undefined) continue;
    const names = [...found.explains, ...(CONSEQUENCES[found.finding.cause] ?? [])];
    // What it leads to is its doing.
    const isBad = names.some((name) => open.get(name)?.status === 'fail');
    findings.push(isBad ? { ...found.finding, status: 'unhealthy' } : found.finding);
    for (const name of names) open.delete(name);
  }
  for (const check of open.values()) findings.push(otherwise(check));
  return findings;
}

const JUDGES: readonly Judge[] = [
  notRunning,
  noWriter,
  unreachable,
  refusing,
  mostlyLeaked,
  exhausted,
  callersFail,
  leaks,
  readOnly,
  replicas,
  connectErrors,
  cacheAway,
  fleet,
  busy,
];

function notRunning({ check, stats: { state } }: Case): Explained | undefined {
  // The counts may be newer than the checks.
  if (check('state')?.status !== 'fail' || state === 'running') return undefined;
  return explained(['state'], {
    cause: state === 'suspended' ? 'suspended' : 'ending',
    status: 'unhealthy',
    what: `The pool is ${state}`,
    tail: ['it lends nothing'],
    was: `the pool was ${state}`,
    details: [],
  });
}

/** A cluster without a writer, or with several. */
function noWriter({ check, topology, stats: { waiting, longestWaitMs }, now }: Case): Explained | undefined {
  if (topology == null || check('writer')?.status !== 'fail') return undefined;
  const trouble = writerTrouble(topology, waiting);
  if (trouble === undefined) return undefined;
  return explained(['writer'], {
    cause: 'no-writer',
    status: 'unhealthy',
    ...clausesOf(capitalised(trouble)),
    was: topology.ambiguous.length > 0 ? 'several servers took writes' : 'no server took writes',
    details: [waiting === 0 ? '' : `The longest has been waiting for ${duration(longestWaitMs)}.`, ...sentencesOnNodes(topology)],
    since: now - topology.withoutWriterMs,
  });
}

function unreachable({ check, stats: { lastConnectError, waiting } }: Case): Explained | undefined {
  if (check('connections')?.status !== 'fail') return undefined;
  return explained(['connections'], {
    cause: 'database-away',
    status: 'unhealthy',
    what: 'The database cannot be reached',
    was: 'the database was away',
    details: [
      // A connection may have been opened since the check.
      lastConnectError === null ? '' : `${lastConnectError.message} (${lastConnectError.code}), ${duration(lastConnectError.agoMs)} ago.`,
      waiting > 0 ? `${counted(waiting, 'caller waits', 'callers wait')}.` : '',
    ],
  });
}

/** A breaker that is half-open lets its probes through: the reasons of the health check name it. */
function refusing({ check, stats: { breakers }, now }: Case): Explained | undefined {
  const found = check('breakers');
  const breaker = [breakers.statement, breakers.connect].find(({ state }) => state === 'open' || state === 'isolated');
  if (found === undefined || breaker === undefined) return undefined;
  const { name, state, reason, inStateForMs, nextProbeInMs } = breaker;
  const refuses = found.status === 'fail';
  return explained(['breakers'], {
    cause: 'breaker',
    status: statusOf(found.status),
    what: `${refuses ? 'Callers are refused at once' : 'Open connections serve'}: breaker '${name}' is ${state}`,
    was: `breaker '${name}' was ${state}`,
    details: [
      reason === null ? '' : `${capitalised(reason)}.`,
      nextProbeInMs === null
        ? 'It stays isolated until an operator closes it.'
        : `The next call is let through ${nextProbeInMs === 0 ? 'now' : `in ${duration(nextProbeInMs)}`}.`,
    ],
    since: now - inStateForMs,
  });
}

/** Where leaks hold half of the pool or more, what follows is their doing. */
function mostlyLeaked(pool: Case): Explained | undefined {
  if (pool.leaked * 2 < pool.stats.limit) return undefined;
  const found = leaks(pool);
  if (found === undefined) return undefined;
  return { explains: [...found.explains, 'waiting', 'utilization', 'callers'], finding: found.finding };
}

function exhausted({ check, stats: { used, limit, waiting, longestWaitMs }, borrowed }: Case): Explained | undefined {
  const callers = check('callers');
  const waits = check('waiting') !== undefined || (check('utilization') !== undefined && waiting > 0);
  if (used < limit || (!waits && (callers === undefined || waiting === 0))) return undefined;
  const [first] = holdersOf(borrowed);
  const share = first !== undefined && first.count < borrowed.length ? `${first.count} of them` : 'all';
  const from = first?.place == null ? '' : `${share} from ${first.place}`;
  return explained(['waiting', 'utilization', 'callers'], {
    cause: 'exhausted',
    status: 'degraded',
    what: `The pool is the bottleneck: all ${limit} connections are in use`,
    tail: [from, counted(waiting, 'caller waits', 'callers wait')],
    was: `all ${limit} connections were in use, and callers waited`,
    details: [
      waiting === 0 ? '' : `The longest has been waiting for ${duration(longestWaitMs)}.`,
      first === undefined ? '' : sentenceOn(first, borrowed.length),
    ],
  });
}

function callersFail({ check }: Case): Explained | undefined {
  const found = check('callers');
  if (found === undefined) return undefined;
  return explained(['callers'], {
    cause: 'callers-fail',
    status: statusOf(found.status),
    what: found.status === 'fail' ? 'Most callers get no connection' : 'Some callers get no connection',
    was: found.status === 'fail' ? 'most callers got no connection' : 'some callers got no connection',
    details: [`${capitalised(found.message)}.`],
  });
}

function leaks({ check, leaked, borrowed, stats: { limit, waiting, options }, now }: Case): Explained | undefined {
  if (check('leaks') === undefined) return undefined;
  const suspects = borrowed.filter((one) => one.leaked === true);
  const [first, second] = holdersOf(suspects);
  const [longest] = suspects;
  const from = first?.place == null ? '' : `borrowed at ${first.place}${first.count === leaked ? '' : ` (${first.count})`}`;
  return explained(['leaks'], {
    cause: 'leak',
    status: 'degraded',
    what: `${leaked} of ${limit} connections may be leaked`,
    tail: [from, waiting === 0 ? '' : counted(waiting, 'caller waits', 'callers wait')],
    was: `${leaked} of ${limit} connections were leaked${from === '' ? '' : `, ${from},`}`,
    details: [
      longest === undefined ? '' : `Connection #${longest.id} has been held for ${duration(longest.heldMs)}: ${heldWithout(longest)}.`,
      second === undefined ? '' : sentenceOn(second, suspects.length),
      `No statement for ${duration(options.leakDetectionThreshold)} counts as a leak (leakDetectionThreshold).`,
    ],
    ...(longest === undefined ? {} : { since: now - (longest.quietMs ?? longest.heldMs) }),
  });
}

function heldWithout({ quietMs, inTransaction }: JudgedPool['borrowed'][number]): string {
  const quiet = quietMs === undefined ? 'it was not released' : `no statement for ${duration(quietMs)}`;
  return inTransaction === true ? `${quiet}, in a transaction` : quiet;
}

function readOnly({ check }: Case): Explained | undefined {
  const found = check('endpoint');
  if (found === undefined) return undefined;
  return explained(['endpoint'], {
    cause: 'read-only',
    status: statusOf(found.status),
    what: 'The server refuses work',
    was: 'the server refused work',
    details: [`${capitalised(found.message)}.`],
  });
}

/** Some replica serves no reads, or serves old data. */
function replicas({ check, topology }: Case): Explained | undefined {
  const found = check('readers');
  const trouble = topology == null ? undefined : readerTrouble(topology);
  if (found === undefined || topology == null || trouble === undefined) return undefined;
  const { maxLag } = topology.reads;
  return explained(['readers'], {
    cause: 'replicas',
    status: statusOf(found.status),
    ...clausesOf(trouble),
    was: 'a replica lagged, or served no reads',
    details: [
      ...sentencesOnNodes(topology),
      topology.nodes.some(({ lagMs }) => (lagMs ?? 0) > maxLag) ? `Up to ${duration(maxLag)} of lag is allowed (maxLag).` : '',
    ],
  });
}

function connectErrors({ check, stats: { lastConnectError } }: Case): Explained | undefined {
  const found = check('connect-errors');
  if (found === undefined) return undefined;
  return explained(['connect-errors'], {
    cause: 'connect-errors',
    status: statusOf(found.status),
    what: lastConnectError === null ? 'A connection could not be opened a moment ago' : 'Connections cannot be opened',
    was: 'connections could not be opened',
    details: [`${capitalised(found.message)}.`],
    isOver: lastConnectError === null,
  });
}

function cacheAway({ check, stats: { breakers } }: Case): Explained | undefined {
  const found = check('breakers');
  const cache = breakers.cache;
  if (found === undefined || cache === undefined || cache.state === 'closed') return undefined;
  const others = found.message.split('; ').length > 1 ? [`${capitalised(found.message)}.`] : [];
  return explained(['breakers'], {
    cause: 'cache-away',
    status: statusOf(found.status),
    what: "The cache's Redis does not answer",
    tail: ['the database answers the cached reads'],
    was: "the cache's Redis did not answer",
    details: [cache.reason === null ? '' : `${capitalised(cache.reason)}.`, ...others],
  });
}

function fleet({ check }: Case): Explained | undefined {
  const found = check('fleet');
  if (found === undefined) return undefined;
  return explained(['fleet'], {
    cause: 'fleet',
    status: statusOf(found.status),
    what: 'The fleet needs attention',
    tail: [found.message],
    was: `the fleet needed attention: ${found.message}`,
    details: [],
  });
}

function busy({ check, borrowed, stats: { used, limit } }: Case): Explained | undefined {
  const found = check('utilization');
  if (found === undefined) return undefined;
  const [first] = holdersOf(borrowed);
  return explained(['utilization'], {
    cause: 'busy',
    status: statusOf(found.status),
    what: `${used} of ${limit} connections are in use`,
    tail: ['no caller waits yet'],
    was: 'nearly all connections were in use',
    details: [`${capitalised(found.message)}.`, first === undefined ? '' : sentenceOn(first, borrowed.length)],
  });
}

function otherwise({ status, message }: Check): Trouble {
  return { cause: 'other', status: statusOf(status), what: capitalised(message), was: message, details: [] };
}

/** The main clause, and what follows it. */
function clausesOf(text: string): Pick<Trouble, 'what' | 'tail'> {
  const [what = '', ...tail] = text.split('; ');
  return { what, tail };
}

function explained(explains: readonly Name[], finding: Trouble): Explained {
  return { explains, finding };
}

function statusOf(status: CheckStatus): Trouble['status'] {
  return status === 'fail' ? 'unhealthy' : 'degraded';
}
