/** The names that files declare and export, read from their syntax; names that a file passes on are not among them. */
import ts from 'typescript-api';
import { read } from '../../docs/table-in.js';

/** One exported name, where it is declared. */
export interface ExportedName {
  readonly name: string;
  readonly file: string;
}

/** What the files declare and export. A constant with a type of the same name in the same file is one. */
export function exportedNamesOf(files: readonly string[]): readonly ExportedName[] {
  return files.flatMap((file) => {
    const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true);
    const declared = new Set(source.statements.flatMap(declaredNamesOf));
    const exported = source.statements.flatMap((statement) =>
      isExported(statement) ? declaredNamesOf(statement) : listedNamesOf(statement).filter((name) => declared.has(name)),
    );
    return [...new Set(exported)].map((name) => ({ name, file }));
  });
}

function isExported(statement: ts.Statement): boolean {
  return ts.canHaveModifiers(statement) && (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
}

/** The names of `export { … };`, which may be declared in the same file. */
function listedNamesOf(statement: ts.Statement): readonly string[] {
  if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier !== undefined) return [];
  const { exportClause } = statement;
  return exportClause !== undefined && ts.isNamedExports(exportClause) ? exportClause.elements.map(({ name }) => name.text) : [];
}

function declaredNamesOf(statement: ts.Statement): readonly string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.flatMap(({ name }) => namesIn(name));
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement)
  ) {
    return statement.name === undefined ? [] : [statement.name.text];
  }
  return [];
}

function namesIn(binding: ts.BindingName): readonly string[] {
  if (ts.isIdentifier(binding)) return [binding.text];
  return binding.elements.flatMap((element) => (ts.isOmittedExpression(element) ? [] : namesIn(element.name)));
}
