/** Every import of the sources, read from their syntax: statements, types, calls, and packages that are loaded by name. */
import { posix } from 'node:path';
// TypeScript 7 has no interface for programs yet; this is the last line that has one.
import ts from 'typescript-api';
import { read } from '../../docs/table-in.js';
import { folderOf } from './sources.js';

/** One import of one file. */
export interface Import {
  /** The file that imports, from the root of the repository. */
  readonly from: string;
  readonly line: number;
  readonly specifier: string;
  /** The imported file; undefined for a package and for what is not there. */
  readonly to: string | undefined;
  /** The imported package; undefined for a file and for a module of Node. */
  readonly packageName: string | undefined;
  /** None of it is left at run time. */
  readonly typeOnly: boolean;
}

/** The imports of the files, among which they are looked up. */
export function importsOf(files: readonly string[]): readonly Import[] {
  const known = new Set(files);
  return files.flatMap((from) => {
    const source = ts.createSourceFile(from, read(from), ts.ScriptTarget.Latest, true);
    const found: Import[] = [];
    visit(source);
    return found;

    function visit(node: ts.Node): void {
      const named = moduleNamedBy(node);
      if (named !== undefined) {
        const specifier = named.text;
        found.push({
          from,
          line: source.getLineAndCharacterOfPosition(named.getStart()).line + 1,
          specifier,
          to: specifier.startsWith('.') ? fileOf(from, specifier, known) : undefined,
          packageName: /^\.|^node:/.test(specifier) ? undefined : packageOf(specifier),
          typeOnly: isTypeOnly(node),
        });
      }
      ts.forEachChild(node, visit);
    }
  });
}

/** The literal that names a module in an import, an export, `import()`, `import('…').T`, `require()` or `requirePeer()`. */
function moduleNamedBy(node: ts.Node): ts.StringLiteral | undefined {
  const named = namedBy(node);
  return named !== undefined && ts.isStringLiteral(named) ? named : undefined;
}

function namedBy(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal;
  if (!ts.isCallExpression(node)) return undefined;
  const callee = node.expression;
  const loads = callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && /^require(?:Peer)?$/.test(callee.text));
  return loads ? node.arguments[0] : undefined;
}

/** What `requirePeer()` loads counts as types: nothing is imported, and the package may be missing. */
function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isCallExpression(node)) return ts.isIdentifier(node.expression) && node.expression.text === 'requirePeer';
  if (ts.isExportDeclaration(node)) return node.isTypeOnly || areTypes(node.exportClause);
  if (!ts.isImportDeclaration(node) || node.importClause === undefined) return false;
  const { phaseModifier, name, namedBindings } = node.importClause;
  return phaseModifier === ts.SyntaxKind.TypeKeyword || (name === undefined && areTypes(namedBindings));
}

function areTypes(bindings: ts.Node | undefined): boolean {
  if (bindings === undefined || !(ts.isNamedImports(bindings) || ts.isNamedExports(bindings))) return false;
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

function fileOf(from: string, specifier: string, known: ReadonlySet<string>): string | undefined {
  const path = posix.join(folderOf(from), specifier);
  return [path, path.replace(/\.js$/, '.ts'), path.replace(/\.js$/, '.tsx')].find((one) => known.has(one));
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
