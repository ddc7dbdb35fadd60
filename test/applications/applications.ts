/** All applications under test, in the order in which they are shown. */
import type { Application } from './application.js';
import { DIRECTUS } from './directus/directus.js';
import { EXPRESS_SESSION } from './express-session/express-session.js';
import { AWS_WRAPPER, LOOPBACK } from './libraries.js';
import { NODE_RED } from './node-red/node-red.js';
import { VENDURE } from './vendure/vendure.js';

export const APPLICATIONS: readonly Application[] = [VENDURE, NODE_RED, DIRECTUS, EXPRESS_SESSION, LOOPBACK, AWS_WRAPPER];
