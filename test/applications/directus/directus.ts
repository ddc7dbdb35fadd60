/** Directus: visitors who write items over its REST interface, and read them again. */
import { type Application, countByTask } from '../application.js';
import type { Visitor } from '../visitor.js';
import { writeNote } from '../notes.js';

const TOKEN = 'a-token-of-the-administrator-of-this-check';
const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };

async function visit(visitor: Visitor): Promise<void> {
  const { task } = visitor;
  await writeNote(visitor, {
    write: ['/items/note', { method: 'POST', headers: HEADERS, body: JSON.stringify({ task }) }],
    read: [`/items/note?filter[task][_eq]=${task}`, { headers: HEADERS }],
    notesIn: (body) => (JSON.parse(body) as { readonly data: { readonly task: string }[] }).data,
  });
}

export const DIRECTUS: Application = {
  name: 'directus',
  title: 'Directus',
  way: 'Knex, on single connections of mysql2 in a pool of its own',
  packages: ['directus', 'knex', 'mysql2'],
  fill: 'fill.mjs',
  server: ['node_modules/@directus/api/dist/cli/run.js', 'start'],
  environment: ({ port, limit, database, folder }) => ({
    HOST: '127.0.0.1',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DB_CLIENT: 'mysql',
    DB_HOST: database.host,
    DB_PORT: String(database.port),
    DB_DATABASE: database.database,
    DB_USER: database.user,
    DB_PASSWORD: `string:${database.password}`,
    DB_POOL__MIN: '0',
    DB_POOL__MAX: String(limit),
    SECRET: 'a-secret-of-this-check-and-of-nothing-else',
    ADMIN_EMAIL: 'keeper@example.com',
    ADMIN_PASSWORD: 'keeper of the notes',
    ADMIN_TOKEN: TOKEN,
    STORAGE_LOCAL_ROOT: `${folder}/uploads`,
    EXTENSIONS_PATH: `${folder}/extensions`,
    TELEMETRY: 'false',
    LOG_LEVEL: 'error',
  }),
  limit: 10,
  visitors: 50,
  readyPath: '/server/ping',
  lockedTable: 'note',
  visit,
  books: (admin) => countByTask(admin, 'SELECT task, COUNT(*) AS count FROM note GROUP BY task'),
};
