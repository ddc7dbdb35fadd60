/** Which of several fit nodes gets a read. */

import type { RandomSource } from '../../engine/index.js';

/** What the choice looks at. */
export interface Balanced {
  /** 0 = idle, 1 = as many leases as it may have. */
  readonly load: number;
  /** 1, or less while it comes back. */
  readonly share: number;
  readonly node: { readonly latencyMs: number | undefined };
}

/** Of two nodes, the slower one gets no less than this share: what a monitor measures is not what statements take. */
const LEAST_SHARE = 0.2;

/**
 * Of two at random the one that is less loaded (M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001); of two that are
 * alike, more often the one that answers faster.
 *
 * @param nodes at least one
 */
export function lessLoaded<N extends Balanced>(nodes: readonly N[], random: RandomSource): N {
  const taking = nodes.length === 1 ? nodes : nodes.filter(({ share }) => share === 1 || random() < share);
  const from = taking.length === 0 ? nodes : taking;
  const first = from[Math.floor(random() * from.length)] as N;
  if (from.length === 1) return first;
  // Another one than the first, each as likely as any.
  const others = from.filter((node) => node !== first);
  const second = others[Math.floor(random() * others.length)] as N;
  if (first.load !== second.load) return first.load < second.load ? first : second;
  const [firstMs, secondMs] = [first.node.latencyMs ?? 0, second.node.latencyMs ?? 0];
  const share = firstMs + secondMs === 0 ? 0.5 : secondMs / (firstMs + secondMs);
  return random() < Math.min(Math.max(share, LEAST_SHARE), 1 - LEAST_SHARE) ? first : second;
}
