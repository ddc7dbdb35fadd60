/** How the page is built. */

import { defineConfig } from 'vite';

/** Everything goes into files of their own: the server's content security policy takes nothing inline. */
export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: 'automatic' } },
  build: { outDir: '../dist/dashboard', emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: 'es2022' },
});
