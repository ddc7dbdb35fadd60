/** VitePress' own theme, with code that wraps and folds that open for a link. */
import DefaultTheme from 'vitepress/theme';
import { inBrowser, type Theme } from 'vitepress';
import './style.css';

/** A link or a hit of the search leads to a heading in a fold: it opens. */
function openFold(): void {
  const id = decodeURIComponent(location.hash.slice(1));
  const fold = id === '' ? null : (document.getElementById(id)?.closest('details') ?? null);
  if (fold !== null) fold.open = true;
}

export default {
  extends: DefaultTheme,
  enhanceApp({ router }) {
    if (!inBrowser) return;
    addEventListener('hashchange', openFold);
    router.onAfterRouteChange = () => requestAnimationFrame(openFold);
  },
} satisfies Theme;
