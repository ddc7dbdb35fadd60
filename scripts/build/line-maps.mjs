/** Makes source maps small enough to be published: they say the line of the source, without its column and its text. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { decode, encode } from '@jridgewell/sourcemap-codec';

/**
 * Rewrites the source maps in a folder of the build, and names each in the last line of its file. Removes those that say nothing, and those
 * whose file is gone.
 *
 * @param {string} output the folder; in the published package, it is `dist`, beside which `src` would be
 */
export function keepLinesOfMaps(output) {
  for (const name of readdirSync(output, { recursive: true }).filter((one) => one.endsWith('.map'))) {
    const path = join(output, name);
    const file = path.slice(0, -'.map'.length);
    const comment = `//# sourceMappingURL=${basename(path)}`;
    const { sources, mappings } = JSON.parse(readFileSync(path, 'utf8'));
    rmSync(path);
    if (!existsSync(file)) continue;
    const code = readFileSync(file, 'utf8').replace(comment, '').trimEnd();
    // Of the build, wherever it was made, only the name of the source in `src` is of use.
    const named = sources.map((source) => source.slice(source.lastIndexOf('/src/') + 1));
    const map = linesOnly(mappings, named, '../'.repeat(name.split(sep).length));
    const isNeeded = map.sources.length > 0;
    if (isNeeded) writeFileSync(path, JSON.stringify(map));
    writeFileSync(file, isNeeded ? `${code}\n${comment}\n` : `${code}\n`);
  }
}

/** A map with one entry for each line of the sources. What was not made of a file in `src`, it leaves out. */
function linesOnly(mappings, sources, up) {
  const used = [];
  const numbers = sources.map((source) => (source.startsWith('src/') ? used.push(`${up}${source}`) - 1 : undefined));
  const lines = decode(mappings).map((segments) => {
    const entries = [];
    for (const [column, source, line] of segments) {
      const number = numbers[source];
      const last = entries.at(-1);
      if (number === undefined || (last?.[1] === number && last[2] === line)) continue;
      entries.push([entries.length === 0 ? 0 : column, number, line, 0]);
    }
    return entries;
  });
  return { version: 3, sources: used, names: [], mappings: encode(lines) };
}
