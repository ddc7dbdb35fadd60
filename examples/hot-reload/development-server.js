// What the development server of a framework such as Next.js does: whenever a file changes, its module is evaluated again in the same process.
//
//   DATABASE_URL=mysql://… node hot-reload/development-server.js
import { pools } from 'poolwright';

const RELOADS = 100;

const connections = new Set();
let pool;
for (let version = 1; version <= RELOADS; version += 1) {
  ({ pool } = await import(`./database.js?version=${version}`));
  const [rows] = await pool.query('SELECT CONNECTION_ID() AS id');
  connections.add(rows[0].id);
}
console.log(JSON.stringify({ reloads: RELOADS, pools: pools().size, connections: connections.size, opened: pool.stats().opened }));
await pool.end();
