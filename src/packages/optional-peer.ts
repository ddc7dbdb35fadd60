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

/** What parts need together: who lacks one of these packages mostly lacks the others, and learns of all in one message. */
const TOGETHER: Readonly<
  Record<string, { readonly packages: readonly string[]; readonly alsoNeeds?: readonly [part: string, name: string] }>
> = {
  'poolwright/server': { packages: ['fastify', '@trpc/server', 'zod', 'prom-client'] },
  // The server loads the procedures too, and they cannot know by which of the two they were loaded.
  'poolwright/trpc': { packages: ['@trpc/server', 'zod', 'prom-client'], alsoNeeds: ['poolwright/server', 'fastify'] },
};

/**
 * Loads a package that only one part of Poolwright needs and that its users install themselves.
 *
 * An `import` statement would fail while modules are linked, before Poolwright could name the package to install. An `await import()` at the
 * top of a module would shut out CommonJS users, whose `require()` cannot wait.
 *
 * @param specifier the package, or one of its subpaths
 * @param neededBy what needs it, for the error
 * @returns its exports; the caller says of what type they are
 * @throws Error with the code `MODULE_NOT_FOUND`, naming every package to install; other errors of loading it are passed on
 */
export function requirePeer(specifier: string, neededBy: string): unknown {
  try {
    return requireFromHere(specifier);
  } catch (cause) {
    if (!isMissing(specifier, cause)) throw cause;
    throw Object.assign(new Error(missingText(packageOf(specifier), neededBy), { cause }), { code: 'MODULE_NOT_FOUND' });
  }
}

function missingText(name: string, neededBy: string): string {
  const { packages = [], alsoNeeds } = TOGETHER[neededBy] ?? {};
  const missing = [name, ...packages.filter((one) => one !== name && !isInstalled(one))];
  const also = alsoNeeds !== undefined && !isInstalled(alsoNeeds[1]) ? alsoNeeds : undefined;
  const what = missing.length === 1 ? 'the package' : 'the packages';
  const listed = missing.length === 1 ? `${name}, which is not installed` : `${missing.join(', ')}, which are not installed`;
  const further = also === undefined ? '' : ` ${also[0]} also needs ${also[1]}.`;
  const install = [...missing, ...(also?.slice(1) ?? [])];
  return `${neededBy} needs ${what} ${listed}.${further} Install ${install.length === 1 ? 'it' : 'them'}: npm install ${install.join(' ')}`;
}

function isInstalled(name: string): boolean {
  try {
    requireFromHere(name);
    return true;
  } catch (error) {
    // A package that fails for another reason is there.
    return !isMissing(name, error);
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
