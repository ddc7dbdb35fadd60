/** Makes the tables of Directus, and a collection of notes. */
import { spawnSync } from 'node:child_process';
import { createConnection } from 'mysql2/promise';

const { status } = spawnSync(process.execPath, ['node_modules/@directus/api/dist/cli/run.js', 'bootstrap'], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
const connection = await createConnection(JSON.parse(process.env.APPLICATION_DATABASE));
await connection.query('CREATE TABLE note (id INT AUTO_INCREMENT PRIMARY KEY, task VARCHAR(60) NOT NULL, KEY (task))');
await connection.query("INSERT INTO directus_collections (collection) VALUES ('note')");
await connection.end();
