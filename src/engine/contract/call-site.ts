/** Where a caller is: a stack that is turned into text only when it is read, and what of that text is the caller's. */

/** A stack that is turned into text only when it is read. */
export interface CallSite {
  readonly stack?: string;
}

/** Between the application and the pool stand a data layer and a framework: ten frames, as V8 keeps, may be all theirs. */
const FRAMES = 40;

/** Where the pool's caller is. */
export function callSite(): CallSite {
  const site: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  // Not assigned: where the built-ins are frozen, that would throw.
  Reflect.set(Error, 'stackTraceLimit', FRAMES);
  Error.captureStackTrace(site, callSite);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  return site;
}

/**
 * The frames of the application. Those of the pool, of Node, and of what lies in `node_modules` are left out, unless there are no others.
 */
export function applicationFrames(stack: string): string {
  const [head = '', ...frames] = stack.split('\n');
  const own = frames.filter((frame) => !isOfLibrary(frame));
  return own.length === 0 ? stack : [head, ...own].join('\n');
}

/** The place of the first frame that names one, as `folder/file.ts:42`; undefined where none does. */
export function placeOf(stack: string): string | undefined {
  for (const frame of stack.split('\n').slice(1)) {
    const end = frame.trimEnd();
    const text = end.endsWith(')') ? end.slice(0, -1) : end;
    const column = text.lastIndexOf(':');
    const line = text.lastIndexOf(':', column - 1);
    if (line <= 0 || !isNumber(text.slice(column + 1)) || !isNumber(text.slice(line + 1, column))) continue;
    const path = text.slice(0, line).replaceAll('\\', '/').split('/');
    const name = path.at(-1)?.split(/[ (]/).at(-1);
    if (name === undefined || name === '') continue;
    const folder = path.length > 1 ? path.at(-2) : undefined;
    return `${folder === undefined || folder === '' ? '' : `${folder}/`}${name}:${text.slice(line + 1, column)}`;
  }
  return undefined;
}

function isNumber(text: string): boolean {
  return text !== '' && !/\D/.test(text);
}

/** The layers through which callers come; what lies beside them, such as the demo, is an application. */
const LAYERS = ['engine', 'mysql', 'cluster', 'mirror', 'register', 'cache', 'resilience'];

/** The files of the published package in which the layers are. */
const BUILT_FILES = '/dist/chunks/chunk-';

/** Code of the runtime: of Node, of Bun, and of V8, which has no place. A function without a name, which Bun calls so, too, has one. */
const OF_RUNTIME = /\bnode:|\(native:|\(<anonymous>\)/;

function isOfLibrary(frame: string): boolean {
  const path = frame.replaceAll('\\', '/');
  if (path.includes('/node_modules/') || OF_RUNTIME.test(path)) return true;
  ownPaths ??= pathsOfThis();
  return ownPaths.some((own) => path.includes(own));
}

/** How the paths of the library's files begin; empty in a bundle of an application, which has no folders. */
let ownPaths: readonly string[] | undefined = undefined;

/** Read from a stack: a bundle in CommonJS knows no `import.meta.url`. */
function pathsOfThis(): readonly string[] {
  const self: { stack?: unknown } = {};
  Error.captureStackTrace(self);
  // An application's `Error.prepareStackTrace` may make something else of it.
  const frame = typeof self.stack === 'string' ? (self.stack.split('\n')[1] ?? '') : '';
  const path = frame.replaceAll('\\', '/');
  const start = path.indexOf('/');
  if (start === -1) return [];
  const before = (end: number): string => path.slice(path.startsWith('///', start) ? start + 2 : start, end);
  const folders = path.indexOf('engine/contract/call-site.');
  if (folders !== -1) return LAYERS.map((layer) => `${before(folders)}${layer}/`);
  const built = path.indexOf(BUILT_FILES);
  return built === -1 ? [] : [before(built + BUILT_FILES.length)];
}
