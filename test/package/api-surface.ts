import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
// TypeScript 7 has no interface for programs yet; this is the last line that has one.
import ts from 'typescript-api';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One exported name of a subpath. */
export interface ApiEntry {
  readonly name: string;
  /** What its docstring says; empty when it has none. */
  readonly doc: string;
  /** Its declaration, without comments and private members; empty when it is another package's, passed on. */
  readonly declaration: string;
}

/** What users of the package see: each subpath with its exported names, as the declarations that are shipped have them. */
export async function apiSurface(folder: string): Promise<ReadonlyMap<string, readonly ApiEntry[]>> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--emitDeclarationOnly', '--outDir', folder]);
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly exports: Record<string, { readonly types?: string }>;
  };
  const entries = Object.entries(exports).flatMap(([subpath, { types }]) =>
    types === undefined ? [] : [{ subpath: subpath.replace('.', 'poolwright'), file: join(folder, types.replace('./dist/', '')) }],
  );
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      skipLibCheck: true,
      types: [],
    },
  );
  const checker = program.getTypeChecker();
  return new Map(
    entries.map(({ subpath, file }) => {
      const source = program.getSourceFile(file);
      const symbol = source === undefined ? undefined : checker.getSymbolAtLocation(source);
      const exported = symbol === undefined ? [] : checker.getExportsOfModule(symbol);
      return [subpath, exported.map((one) => entryOf(one, checker, folder)).toSorted((one, other) => (one.name < other.name ? -1 : 1))];
    }),
  );
}

function entryOf(exported: ts.Symbol, checker: ts.TypeChecker, folder: string): ApiEntry {
  const symbol = (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported);
  const own = (symbol.declarations ?? []).filter((one) => one.getSourceFile().fileName.startsWith(folder.replaceAll(sep, '/')));
  return {
    name: exported.name,
    doc: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    declaration: own.map(printed).join('\n'),
  };
}

const printer = ts.createPrinter({ removeComments: true });

function printed(declaration: ts.Declaration): string {
  // A constant's declaration is its name and type; the statement around it says that it is one.
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  const text = printer.printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile());
  return text
    .split('\n')
    .filter((line) => !/^\s*(private |#private)/.test(line))
    .join('\n')
    .replaceAll(/^export (declare )?/gm, '');
}
