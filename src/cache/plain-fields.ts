/** What mysql2's column definitions say. */
const FIELD_PROPERTIES = [
  'catalog',
  'schema',
  'db',
  'table',
  'orgTable',
  'name',
  'orgName',
  'characterSet',
  'encoding',
  'columnLength',
  'columnType',
  'type',
  'flags',
  'decimals',
  'extendedTypeName',
  'extendedFormat',
] as const;

/** A result as mysql2 has it, with its column definitions as plain values: their class does not travel. */
export function withPlainFields([rows, fields]: readonly [unknown, unknown]): [unknown, unknown] {
  return [rows, Array.isArray(fields) ? fields.map(plainField) : fields];
}

function plainField(field: unknown): unknown {
  if (typeof field !== 'object' || field === null) return field;
  const plain: Record<string, unknown> = {};
  for (const name of FIELD_PROPERTIES) {
    const value = (field as Record<string, unknown>)[name];
    if (value !== undefined) plain[name] = value;
  }
  return plain;
}
