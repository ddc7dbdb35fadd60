/**
 * Everything that mysql2 exports, with `createPool` and `createPoolCluster` replaced by managed ones: in code that was written for mysql2,
 * the name of the module is the only thing to change.
 */
export * from './mysql2-exports.js';
// mysql2 as a whole, with its types: `import mysql from`, and what `require()` returns (Node 20.19 and later look for this name).
// oxlint-disable-next-line import/no-default-export -- mysql2's users import it so
export * as default from './mysql2-exports.js';
export * as 'module.exports' from './mysql2-exports.js';
