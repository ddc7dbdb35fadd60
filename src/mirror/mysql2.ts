/** Everything that mysql2 exports, with `createPool` and `createPoolCluster` replaced: its users change only the name of the module. */
export * from './mysql2-exports.js';
// mysql2 as a whole, with its types: `import mysql from`, and what `require()` returns (Node 20.19 and later look for this name).
// oxlint-disable-next-line import/no-default-export -- mysql2's users import it so
export * as default from './mysql2-exports.js';
export * as 'module.exports' from './mysql2-exports.js';
