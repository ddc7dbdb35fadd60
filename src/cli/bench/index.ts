/** A load through a pool, measured. */

export { type BenchReport, runBench } from './bench.js';
