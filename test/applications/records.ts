/** The page of results: a section for each application, of which a run replaces its own. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APPLICATIONS } from './applications.js';

const HEAD = `# Whole applications under the hook

Each application is installed as its users install it, and driven from outside over HTTP: without the hook, and with \`node --import poolwright/register\`. What it acknowledged is compared with its tables. \`npm run applications -- --record\` writes
this page; [docs/applications.md](../../docs/applications.md) explains it. Other work ran on the machine at the same time: times of one run say little.
`;

/** Where results are kept. */
export class Records {
  readonly #path: string;

  constructor(root: string) {
    this.#path = join(root, 'benchmarks/results/applications.md');
  }

  /** Replaces the section of an application; the others stay. */
  keep(name: string, section: string): void {
    const text = existsSync(this.#path) ? readFileSync(this.#path, 'utf8') : '';
    const sections = APPLICATIONS.map((one) => (one.name === name ? section : sectionIn(text, one.title))).filter((one) => one !== '');
    writeFileSync(this.#path, `${[HEAD, ...sections].join('\n').trimEnd()}\n`);
  }
}

/** The section with this title, up to the next one; nothing when there is none. */
function sectionIn(text: string, title: string): string {
  const start = text.indexOf(`## ${title}\n`);
  if (start < 0) return '';
  const next = text.indexOf('\n## ', start);
  return text.slice(start, next < 0 ? undefined : next + 1);
}
