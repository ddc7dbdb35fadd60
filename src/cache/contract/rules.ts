/** Rules that cache a statement by its text, for applications that cannot change the call. */
import { invalid, PoolError, refuseUnknownOptions } from '../../engine/index.js';
import { type CachePolicy, policyNames, resolvePolicy, type ResolvedPolicy } from './policy.js';
import { factsOf } from '../../sql/index.js';

/** A statement that is cached without saying so itself. */
export interface CacheRule extends CachePolicy {
  /** Its text. Literals, the length of lists, spaces and comments do not count: `SELECT * FROM users WHERE id = ?` is every such lookup. */
  readonly statement: string;
}

/** How many texts are remembered with their rule. Texts with values put in are many. */
const REMEMBERED = 1_000;
/** In characters. A write with its values in it may be a megabyte. */
const LONGEST_REMEMBERED = 4_000;

/** Finds the rule of a statement. */
export class ResolvedRules {
  readonly #remembered = new Map<string, ResolvedPolicy | undefined>();

  constructor(private readonly byDigest: ReadonlyMap<string, ResolvedPolicy>) {}

  policyOf(sql: string): ResolvedPolicy | undefined {
    if (this.#remembered.has(sql)) return this.#remembered.get(sql);
    const digest = factsOf(sql).ruleDigest;
    const policy = digest === undefined ? undefined : this.byDigest.get(digest);
    if (sql.length > LONGEST_REMEMBERED) return policy;
    if (this.#remembered.size >= REMEMBERED) this.#remembered.clear();
    this.#remembered.set(sql, policy);
    return policy;
  }
}

/** @throws PoolError `POOL_OPTION_INVALID` */
export function resolveRules(rules: readonly CacheRule[] | undefined, defaults: ResolvedPolicy): ResolvedRules | undefined {
  if (rules === undefined) return undefined;
  if (!Array.isArray(rules)) throw invalid('rules', rules, 'a list of rules');
  const byDigest = new Map<string, ResolvedPolicy>();
  for (const rule of rules as readonly CacheRule[]) {
    refuseUnknownOptions(rule, ['statement', ...policyNames]);
    const digest = typeof rule.statement === 'string' ? factsOf(rule.statement).ruleDigest : undefined;
    if (digest === undefined) throw invalid('rules[].statement', rule.statement, 'the text of a statement');
    if (byDigest.has(digest)) throw new PoolError('POOL_OPTION_INVALID', `Two rules are for the same statement: ${digest}`);
    byDigest.set(digest, resolvePolicy(rule, defaults));
  }
  return new ResolvedRules(byDigest);
}
