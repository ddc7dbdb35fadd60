/** How servers are asked what they are and which others they know. */

export { instanceHost } from './aurora.js';
export { readNode } from './read-node.js';
