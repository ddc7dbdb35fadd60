/** Measures what a reader with weak eyes meets: the contrast of each text, what sticks out of the page, and what fills a zoomed window. */

import type { Page } from 'playwright-core';

/**
 * Texts whose contrast is below WCAG 2.2 AA: 4.5, or 3 for large ones. Colors are those that the browser computed, laid over each other as they are
 * drawn. Controls that are disabled are exempt, as the rule says.
 */
export async function faintTexts(page: Page): Promise<readonly string[]> {
  return await page.evaluate<readonly string[]>(MEASURE);
}

/** Elements that stick out sideways of the page, unless a box around them scrolls or cuts them on purpose. */
export async function sticksOut(page: Page): Promise<readonly string[]> {
  return await page.evaluate<readonly string[]>(OVERFLOW);
}

/**
 * In a low window, as it is at 400 % zoom: what takes more than a quarter of it and stays there while the page scrolls, and boxes that scroll and
 * leave so little of it free that the page itself can hardly be scrolled.
 */
export async function fillsTheWindow(page: Page): Promise<readonly string[]> {
  return await page.evaluate<readonly string[]>(FILLS);
}

const MEASURE = `(() => {
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith('color(srgb') ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const chain = [];
    for (let node = element; node !== null; node = node.parentElement) chain.unshift(node);
    return chain.reduce((under, node) => over(parse(getComputedStyle(node).backgroundColor), under), [255, 255, 255]);
  };
  const opacityOf = (element) => {
    let opacity = 1;
    for (let node = element; node !== null; node = node.parentElement) opacity *= Number(getComputedStyle(node).opacity);
    return opacity;
  };
  const faint = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode() !== null) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (text === '' || element.closest('script, noscript, title, :disabled, .hidden') !== null || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const background = behind(element);
    const [r, g, b, a] = parse(style.color);
    const drawn = over([r, g, b, a * opacityOf(element)], background);
    const [light, dark] = [luminance(drawn), luminance(background)].sort((one, two) => two - one);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) faint.set(element.className + ' ' + element.tagName, ratio.toFixed(2) + ' ' + text.slice(0, 60));
  }
  return [...faint].map(([where, what]) => where + ': ' + what);
})()`;

const OVERFLOW = `(() => {
  const width = document.documentElement.clientWidth;
  const isHeld = (element) => {
    for (let node = element.parentElement; node !== null; node = node.parentElement)
      if (getComputedStyle(node).overflowX !== 'visible') return true;
    return false;
  };
  const out = [...document.body.querySelectorAll('*')].filter(
    (element) => element.checkVisibility() && element.getBoundingClientRect().right > width + 1 && !element.matches('.hidden') && !isHeld(element),
  );
  return out.map((element) => element.tagName + ' ' + element.className + ' ' + element.textContent.slice(0, 60));
})()`;

const FILLS = `(() => {
  scrollTo(0, document.documentElement.scrollHeight / 2);
  const found = [];
  for (const element of document.body.querySelectorAll('*')) {
    if (!element.checkVisibility()) continue;
    const { position, overflowY } = getComputedStyle(element);
    const { top, bottom, height } = element.getBoundingClientRect();
    const where = element.tagName + ' ' + element.className + ', ' + Math.round(height) + ' of ' + innerHeight;
    const isSeen = top < innerHeight && bottom > 0;
    if ((position === 'sticky' || position === 'fixed') && isSeen && height > innerHeight / 4) found.push(where + ' stays');
    const scrolls = (overflowY === 'auto' || overflowY === 'scroll') && element.scrollHeight > element.clientHeight + 1;
    if (scrolls && height > innerHeight * 0.7) found.push(where + ' scrolls');
  }
  scrollTo(0, 0);
  return found;
})()`;
