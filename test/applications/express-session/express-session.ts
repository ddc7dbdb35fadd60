/** express-mysql-session: visitors who put something into their session, and find it there again. */
import { createHmac } from 'node:crypto';
import { type Application, countByTask } from '../application.js';
import { writeNote } from '../notes.js';
import type { Visitor } from '../visitor.js';

const SECRET = 'a secret of this check';

async function visit(visitor: Visitor): Promise<void> {
  const { task } = visitor;
  const signature = createHmac('sha256', SECRET).update(task).digest('base64').replace(/=+$/, '');
  const cookie = `connect.sid=${encodeURIComponent(`s:${task}.${signature}`)}`;
  await writeNote(visitor, {
    write: ['/notes', { method: 'POST', headers: { 'x-task': task } }],
    read: ['/notes', { headers: { cookie } }],
    notesIn: (body) => JSON.parse(body) as { readonly task: string }[],
  });
}

export const EXPRESS_SESSION: Application = {
  name: 'express-session',
  title: 'express-mysql-session',
  way: 'A store of sessions on a pool of mysql2 that the application gives it',
  packages: ['express-mysql-session', 'express-session', 'express', 'mysql2'],
  server: ['server.mjs'],
  limit: 10,
  visitors: 50,
  readyPath: '/ready',
  lockedTable: 'sessions',
  visit,
  books: (admin) => countByTask(admin, 'SELECT session_id AS task, COUNT(*) AS count FROM sessions GROUP BY session_id'),
};
