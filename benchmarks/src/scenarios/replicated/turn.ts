import { randomBytes } from 'node:crypto';
import type { ReadWritePool } from '../../rivals/replicated/read-write-pool.js';

/** Statements of one turn: a write, a read of what was written, and reads of it later. */
export const STATEMENTS_OF_A_TURN = 10;

const INSERT = 'INSERT INTO notes (id, value) VALUES (?, ?)';
const SELECT = 'SELECT value FROM notes WHERE id = ?';

/** An id that no other caller, round or server has drawn: 48 bits. */
export function newId(): number {
  return randomBytes(6).readUIntBE(0, 6);
}

export async function write(pool: ReadWritePool, id: number): Promise<void> {
  await pool.write(INSERT, [id, id % 1_000]);
}

/** Whether the row is there. */
export async function read(pool: ReadWritePool, id: number): Promise<boolean> {
  const rows = pool.rowsOf(await pool.read(SELECT, [id]));
  if (rows.length > 0 && rows[0]?.['value'] !== id % 1_000) throw new Error(`wrong answer for ${id}`);
  return rows.length > 0;
}
