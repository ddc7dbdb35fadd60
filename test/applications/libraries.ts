/** Libraries that are no application by themselves: notes-server.mjs serves what they write and read. */
import { type Application, countByTask } from './application.js';
import { writeNote } from './notes.js';
import type { Visitor } from './visitor.js';

async function visit(visitor: Visitor): Promise<void> {
  const path = `/notes?task=${visitor.task}`;
  await writeNote(visitor, {
    write: [path, { method: 'POST' }],
    read: [path, {}],
    notesIn: (body) => JSON.parse(body) as { task: string }[],
  });
}

const SHARED = {
  server: ['server.mjs'],
  limit: 10,
  visitors: 50,
  readyPath: '/notes?task=none',
  lockedTable: 'note',
  visit,
  books: (admin) => countByTask(admin, 'SELECT task, COUNT(*) AS count FROM note GROUP BY task'),
} satisfies Partial<Application>;

export const LOOPBACK: Application = {
  ...SHARED,
  name: 'loopback',
  title: 'loopback-connector-mysql',
  way: 'Callbacks on createPool of mysql2: statements, and transactions on a borrowed connection',
  packages: ['loopback-connector-mysql', 'loopback-datasource-juggler', 'mysql2'],
};

export const AWS_WRAPPER: Application = {
  ...SHARED,
  name: 'aws-wrapper',
  title: 'AWS Advanced NodeJS Wrapper',
  way: 'Its internal pools, on createPool of mysql2/promise',
  packages: ['aws-advanced-nodejs-wrapper', 'mysql2'],
};
