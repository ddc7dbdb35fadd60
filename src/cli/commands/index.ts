/** Every command, in the order of the usage. */

import type { CommandSpec } from '../console/index.js';
import { bench } from './bench.js';
import { doctor } from './doctor.js';
import { breaker, drain, evict, invalidate, resize, resume, suspend } from './operate.js';
import { health, metrics } from './probe.js';
import { demo, serve } from './serve.js';
import { top } from './top.js';

/** Every command, in the order in which the usage lists them. */
export const commands: readonly CommandSpec[] = [
  doctor,
  health,
  metrics,
  serve,
  demo,
  top,
  bench,
  evict,
  resize,
  suspend,
  resume,
  drain,
  invalidate,
  breaker,
];
