import type { MarkdownRenderer } from 'vitepress';

/** What a page leaves open. */
export interface Folds {
  /** The page, by its path in the repository. */
  readonly page: string;
  /** The id of the one section of the second level that stays open: its own sections are folded instead. */
  readonly open: string;
}

/** Folds the sections of one page, so that a reader sees first which there are. */
export function foldSections(md: MarkdownRenderer, { page, open }: Folds): void {
  md.core.ruler.push('fold_sections', (state) => {
    if ((state.env as { readonly relativePath?: string }).relativePath !== page) return;
    const html = (content: string) => {
      const token = new state.Token('html_block', '', 0);
      token.content = content;
      return token;
    };
    const BEGIN = '<details class="fold"><summary>\n';
    const END = '</details>\n';
    /** The levels of the folds that are open. */
    const levels: number[] = [];
    let inOpen = false;
    state.tokens = state.tokens.flatMap((token) => {
      const level = Number(/^h([23])$/.exec(token.tag)?.[1] ?? 0);
      if (level === 0) return [token];
      if (token.type === 'heading_close') {
        return level === 2 && inOpen ? [token] : [token, html('</summary>\n')];
      }
      const ended: ReturnType<typeof html>[] = [];
      for (; (levels.at(-1) ?? 0) >= level; levels.pop()) ended.push(html(END));
      if (level === 2) inOpen = token.attrGet('id') === open;
      if (level === 2 && inOpen) return [...ended, token];
      levels.push(level);
      return [...ended, html(BEGIN), token];
    });
    for (const _ of levels) state.tokens.push(html(END));
  });
}
