/**
 * Node's own modules, loaded when they are first needed. An `import` of one of them reads each of its exports, which loads further modules of
 * Node: `node:util` has 13 of them, `node:fs` 14. Most processes need none of these for their first row.
 */

/** What `inspect.custom` of `node:util` is. */
export const customInspect: unique symbol = Symbol.for('nodejs.util.inspect.custom');

/** A module of Node, loaded at the first call. */
export const nodeCrypto = onFirstUse(() => process.getBuiltinModule('node:crypto'));
export const nodeNet = onFirstUse(() => process.getBuiltinModule('node:net'));
export const nodeV8 = onFirstUse(() => process.getBuiltinModule('node:v8'));
/** Undefined where it is not: before Node 22.13, and in other runtimes. */
export const nodeSqlite = onFirstUse<unknown>(() => process.getBuiltinModule('node:sqlite'));

function onFirstUse<Module>(load: () => Module): () => Module {
  let loaded: Module | undefined;
  return () => (loaded ??= load());
}
