/** Loads a package that the application installs itself, or names it in the error. */

let require: NodeJS.Require | undefined;

/**
 * Made when it is needed. In a CommonJS bundle
 * `import.meta.url` is undefined: packages are then looked for where the program is.
 */
function requireFromHere(specifier: string): unknown {
  require ??= process
    .getBuiltinModule('node:module')
    .createRequire(import.meta.url ?? process.argv[1] ?? process.getBuiltinModule('node:path').join(process.cwd(), 'index.js'));
  return require(specifier);
}

/**
 * Loads a package that only one part of Poolwright needs and that its users install themselves.
 *
 * An `import` statement would fail while modules are linked, before Poolwright could name the package to install. An `await import()` at the
 * top of a module would shut out CommonJS users, whose `require()` cannot wait.
 *
 * @param specifier the package, or one of its subpaths
 * @param neededBy what needs it, for the error
 * @returns its exports; the caller says of what type they are
 * @throws Error with the code `MODULE_NOT_FOUND`, naming the package to install; other errors of loading it are passed on
 */
export function requirePeer(specifier: string, neededBy: string): unknown {
  try {
    return requireFromHere(specifier);
  } catch (cause) {
    if (!isMissing(specifier, cause)) throw cause;
    const name = packageOf(specifier);
    const error = new Error(`${neededBy} needs the package ${name}, which is not installed. Install it: npm install ${name}`, { cause });
    throw Object.assign(error, { code: 'MODULE_NOT_FOUND' });
  }
}

/** Whether this package is missing. An installed package may fail to find one of its own, which is another error. */
function isMissing(specifier: string, error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND' && error.message.includes(`'${specifier}'`);
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
