/** JSON schemas of TypeScript's types, as their values look in JSON. */
import ts from 'typescript-api';

/** A JSON schema (draft 2020-12). */
export type Schema = { readonly [key: string]: unknown };

/** Schemas of the types that a file exports by these names. What has a name of its own stands once, in `components`. */
export class TypeSchemas {
  readonly components: Record<string, Schema> = {};
  readonly #program: ts.Program;
  readonly #checker: ts.TypeChecker;
  readonly #names = new Map<ts.Type, string>();

  /** @param text the file's text, which need not be on the disk */
  constructor(
    private readonly file: string,
    text: string,
  ) {
    const { ES2022 } = ts.ScriptTarget;
    const { NodeNext } = ts.ModuleKind;
    const lib = ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'];
    const options = { target: ES2022, lib, module: NodeNext, strict: true, exactOptionalPropertyTypes: true, types: ['node'] };
    const disk = ts.createCompilerHost(options);
    const host: ts.CompilerHost = {
      ...disk,
      fileExists: (path) => path === file || disk.fileExists(path),
      getSourceFile: (path, version) =>
        path === file ? ts.createSourceFile(path, text, version, true) : disk.getSourceFile(path, version),
    };
    this.#program = ts.createProgram([file], options, host);
    this.#checker = this.#program.getTypeChecker();
  }

  /** The properties of an exported type with their schemas. */
  propertiesOf(exported: string): ReadonlyMap<string, Schema> {
    const properties = this.#checker.getPropertiesOfType(this.#typeOf(exported));
    return new Map(properties.map((property) => [property.name, this.#schemaOf(this.#checker.getTypeOfSymbol(property))]));
  }

  /** The schema of an exported type. */
  schemaOf(exported: string): Schema {
    return this.#schemaOf(this.#typeOf(exported));
  }

  #typeOf(exported: string): ts.Type {
    const source = this.#program.getSourceFile(this.file);
    const symbol = source === undefined ? undefined : this.#checker.getSymbolAtLocation(source);
    const found = symbol === undefined ? undefined : this.#checker.getExportsOfModule(symbol).find(({ name }) => name === exported);
    if (found === undefined) throw new Error(`${this.file} exports no ${exported}`);
    return this.#checker.getDeclaredTypeOfSymbol(found);
  }

  #schemaOf(type: ts.Type): Schema {
    const { flags } = type;
    if ((flags & ts.TypeFlags.VoidLike) !== 0) return {};
    if ((flags & ts.TypeFlags.StringLiteral) !== 0) return { const: (type as ts.StringLiteralType).value };
    if ((flags & ts.TypeFlags.NumberLiteral) !== 0) return { const: (type as ts.NumberLiteralType).value };
    if ((flags & ts.TypeFlags.BooleanLiteral) !== 0) return { const: this.#checker.typeToString(type) === 'true' };
    if ((flags & ts.TypeFlags.StringLike) !== 0) return { type: 'string' };
    if ((flags & ts.TypeFlags.NumberLike) !== 0) return { type: 'number' };
    if ((flags & ts.TypeFlags.BooleanLike) !== 0) return { type: 'boolean' };
    if ((flags & ts.TypeFlags.Null) !== 0) return { type: 'null' };
    if (type.isUnion()) return this.#unionOf(type);
    if (this.#checker.isTupleType(type)) {
      const items = this.#checker.getTypeArguments(type as ts.TypeReference).map((one) => this.#schemaOf(one));
      return { type: 'array', prefixItems: items, minItems: items.length, items: false };
    }
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(type as ts.TypeReference);
      return { type: 'array', items: item === undefined ? {} : this.#schemaOf(item) };
    }
    if ((flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0) return this.#objectOf(type);
    throw new Error(`bug: no JSON is known for ${this.#checker.typeToString(type)}`);
  }

  /** `undefined` is not in JSON. */
  #unionOf(type: ts.UnionType): Schema {
    const parts = type.types.filter((one) => (one.flags & ts.TypeFlags.Undefined) === 0).map((one) => this.#schemaOf(one));
    const constants = parts.flatMap((part) => ('const' in part ? [part['const']] : []));
    const others = parts.filter((part) => !('const' in part));
    const whole = constants.includes(true) && constants.includes(false);
    const left = whole ? constants.filter((one) => typeof one !== 'boolean') : constants;
    const all = [...(left.length === 0 ? [] : [{ enum: left }]), ...(whole ? [{ type: 'boolean' }] : []), ...others];
    const [only] = all;
    return all.length === 1 && only !== undefined ? only : { anyOf: all };
  }

  #objectOf(type: ts.Type): Schema {
    const symbol = type.aliasSymbol ?? type.getSymbol();
    const name = symbol?.name ?? '__type';
    if (name === '__type' || name === '__object' || /^(?:Readonly|Record|Pick|Omit|Partial|Map)$/.test(name)) return this.#membersOf(type);
    const known = this.#names.get(type);
    if (known === undefined) {
      if (name in this.components) throw new Error(`bug: two types are named ${name}`);
      this.#names.set(type, name);
      this.components[name] = {};
      const description = this.#docOf(symbol);
      this.components[name] = { ...description, ...this.#membersOf(type) };
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  #membersOf(type: ts.Type): Schema {
    const properties: Record<string, Schema> = {};
    const required: string[] = [];
    for (const property of this.#checker.getPropertiesOfType(type)) {
      const own = this.#checker.getTypeOfSymbol(property);
      const parts = own.isUnion() ? own.types : [own];
      const optional = (property.flags & ts.SymbolFlags.Optional) !== 0 || parts.some((one) => (one.flags & ts.TypeFlags.Undefined) !== 0);
      properties[property.name] = { ...this.#docOf(property), ...this.#schemaOf(own) };
      if (!optional) required.push(property.name);
    }
    const index = this.#checker.getIndexInfoOfType(type, ts.IndexKind.String);
    return {
      type: 'object',
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      ...(required.length === 0 ? {} : { required }),
      ...(index === undefined ? {} : { additionalProperties: this.#schemaOf(index.type) }),
    };
  }

  #docOf(symbol: ts.Symbol | undefined): Schema {
    const text = ts.displayPartsToString(symbol?.getDocumentationComment(this.#checker) ?? []).replaceAll(/\s+/g, ' ');
    return text === '' ? {} : { description: text };
  }
}
