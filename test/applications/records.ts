/** The part of docs/applications.md that the command makes: a section for each application, of which a run replaces its own. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APPLICATIONS } from './applications.js';

const BEGIN = '<!-- applications: made by npm run applications with --record -->\n';
const END = '<!-- end of applications -->\n';

/** Puts the section of an application into the page; the others stay. */
export function recordSection(root: string, name: string, section: string): void {
  const path = join(root, 'docs/applications.md');
  writeFileSync(path, withSection(readFileSync(path, 'utf8'), name, section));
}

/** @throws when the page has no place for sections */
export function withSection(page: string, name: string, section: string): string {
  const [head, rest] = page.split(BEGIN);
  const [made, foot] = rest?.split(END) ?? [];
  if (head === undefined || made === undefined || foot === undefined) throw new Error('docs/applications.md has no made section.');
  const sections = APPLICATIONS.map((one) => (one.name === name ? section : sectionIn(made, one.title)));
  const kept = sections.map((one) => one.trim()).filter((one) => one !== '');
  return [head, BEGIN, ...kept.map((one) => `\n${one}\n`), '\n', END, foot].join('');
}

/** The section with this title, up to the next one; nothing when there is none. */
function sectionIn(text: string, title: string): string {
  const start = text.indexOf(`### ${title}\n`);
  if (start < 0) return '';
  const next = text.indexOf('\n### ', start);
  return text.slice(start, next < 0 ? undefined : next);
}
