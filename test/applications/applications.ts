/** All applications under test, in the order in which they are shown. */
import type { Application } from './application.js';
import { DIRECTUS } from './directus/directus.js';
import { NODE_RED } from './node-red/node-red.js';
import { VENDURE } from './vendure/vendure.js';

export const APPLICATIONS: readonly Application[] = [VENDURE, NODE_RED, DIRECTUS];
