/** Circles of a graph: sets of nodes that can all be reached from each other. */
export function circlesOf(arrows: Iterable<readonly [from: string, to: string]>): readonly (readonly string[])[] {
  const targets = new Map<string, Set<string>>();
  for (const [from, to] of arrows) if (from !== to) (targets.get(from) ?? targets.set(from, new Set()).get(from))?.add(to);
  // Tarjan's algorithm for strongly connected components.
  const order = new Map<string, number>();
  const path: string[] = [];
  const circles: string[][] = [];
  for (const node of targets.keys()) if (!order.has(node)) visit(node);
  return circles;

  function visit(node: string): number {
    order.set(node, order.size);
    let low = order.size - 1;
    path.push(node);
    for (const target of targets.get(node) ?? []) {
      if (!order.has(target)) low = Math.min(low, visit(target));
      else if (path.includes(target)) low = Math.min(low, order.get(target) ?? low);
    }
    if (low === order.get(node)) {
      const circle = path.splice(path.indexOf(node));
      if (circle.length > 1) circles.push(circle.toSorted());
    }
    return low;
  }
}
