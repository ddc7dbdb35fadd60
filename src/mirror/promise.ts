/** Everything that mysql2/promise exports, with `createPool` and `createPoolCluster` replaced by managed ones. See mysql2.ts. */
export * from './promise-exports.js';
// oxlint-disable-next-line import/no-default-export -- mysql2's users import it so
export * as default from './promise-exports.js';
export * as 'module.exports' from './promise-exports.js';
