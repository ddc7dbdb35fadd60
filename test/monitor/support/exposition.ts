/** The samples of an exposition: `name{labels}` with the labels sorted, and the value. */
export function samplesOf(exposition: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  for (const line of exposition.split('\n')) {
    const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const sorted = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([label]) => label).toSorted();
    const key = sorted.length === 0 ? name : `${name}{${sorted.join(',')}}`;
    if (samples.has(key)) throw new Error(`Twice in one exposition: ${key}`);
    samples.set(key, Number(value === '+Inf' ? Number.POSITIVE_INFINITY : value));
  }
  return samples;
}
