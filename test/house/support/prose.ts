/** The prose of a file: comments and literals of code, and the text of a document without its code. */
import ts from 'typescript-api';
import { read } from '../../docs/table-in.js';

/** A piece of prose, with the line on which it begins. */
export interface Prose {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** The prose of source code or of a document in Markdown. */
export function proseOf(path: string): readonly Prose[] {
  return path.endsWith('.md') ? [{ path, line: 1, text: withoutCode(withoutMadeParts(read(path))) }] : proseOfCode(path);
}

/** What is made from code or from measurements is checked where it comes from, if at all. Lines stay what they are. */
function withoutMadeParts(text: string): string {
  return text.replaceAll(/^<!-- [^\n]*: made from [^\n]* -->$[\s\S]*?^<!-- end of [^\n]* -->$/gm, (made) => made.replaceAll(/[^\n]/g, ' '));
}

/** Code is replaced by as many spaces, so that lines stay what they are. */
function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$|`[^`\n]+`|\]\([^)\n]*\)/gm, (code) => code.replaceAll(/[^\n]/g, ' '));
}

function proseOfCode(path: string): readonly Prose[] {
  const text = read(path);
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = new Map<number, number>();
  visit(source);
  return [...found].map(([start, end]) => ({
    path,
    line: source.getLineAndCharacterOfPosition(start).line + 1,
    text: text.slice(start, end),
  }));

  function visit(node: ts.Node): void {
    const comments = [
      ...(ts.getLeadingCommentRanges(text, node.getFullStart()) ?? []),
      ...(ts.getTrailingCommentRanges(text, node.getEnd()) ?? []),
    ];
    for (const { pos, end } of comments) found.set(pos, end);
    if (isLiteral(node)) found.set(node.getStart(), node.getEnd());
    for (const child of node.getChildren(source)) visit(child);
  }
}

function isLiteral(node: ts.Node): boolean {
  return ts.isStringLiteral(node) || ts.isTemplateLiteralToken(node) || ts.isJsxText(node);
}
