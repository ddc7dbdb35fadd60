/** How long values are, by their types in the binary protocol; the others begin with their length. */
const LENGTHS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 0, 8: 8, 9: 4, 13: 2 };

/** A number of which the first byte says how long it is; and where the next thing begins. */
function numberAt(packet: Buffer, at: number): { readonly value: number; readonly next: number } {
  const first = packet.readUInt8(at);
  if (first < 0xfb) return { value: first, next: at + 1 };
  const size = first === 0xfc ? 2 : 3;
  return { value: packet.readUIntLE(at + 1, size), next: at + 1 + size };
}

/**
 * Where a query's text begins: after its attributes.
 *
 * @see https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_com_query.html
 * @param start - Where they begin, with their number.
 */
export function afterAttributes(packet: Buffer, start: number): number {
  const { value: count, next: sets } = numberAt(packet, start);
  let at = numberAt(packet, sets).next;
  if (count === 0) return at;
  const nulls = packet.subarray(at, at + ((count + 7) >> 3));
  // One byte says that types and names follow.
  at += nulls.length + 1;
  const types: number[] = [];
  for (let index = 0; index < count; index += 1) {
    types.push(packet.readUInt8(at));
    const { value: length, next } = numberAt(packet, at + 2);
    at = next + length;
  }
  for (const [index, type] of types.entries()) {
    if (((nulls[index >> 3] ?? 0) & (1 << (index & 7))) !== 0) continue;
    const fixed = LENGTHS[type];
    if (fixed !== undefined) {
      at += fixed;
      continue;
    }
    const { value: length, next } = numberAt(packet, at);
    at = next + length;
  }
  return at;
}
