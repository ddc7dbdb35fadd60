import { createPool } from 'poolwright';

// Made once, and kept while the platform freezes the process between two requests, for as long as it likes: a connection that was closed
// by the server in the meantime is noticed before it is lent.
const pool = createPool({ connectionLimit: 2, minIdle: 0 });

/** Answers one request. */
export async function handler({ name }) {
  const [rows] = await pool.execute('SELECT CONCAT(?, ?) AS greeting, CONNECTION_ID() AS connection', ['Hello, ', name]);
  return { greeting: rows[0].greeting, connection: rows[0].connection };
}
