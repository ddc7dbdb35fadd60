/** Node-RED with its MySQL node: visitors who write notes through a flow, and read them again. */
import { type Application, countByTask } from '../application.js';
import { writeNote } from '../notes.js';
import type { Visitor } from '../visitor.js';

async function visit(visitor: Visitor): Promise<void> {
  const { task } = visitor;
  await writeNote(visitor, {
    write: ['/notes', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ task }) }],
    read: [`/notes?task=${task}`, {}],
    notesIn: (body) => JSON.parse(body) as { readonly task: string }[],
  });
}

export const NODE_RED: Application = {
  name: 'node-red',
  title: 'Node-RED with its MySQL node',
  way: "Callbacks on createPool of mysql2: a connection is borrowed for each message, with a queryFormat of the node's own",
  packages: ['node-red', 'node-red-node-mysql', 'mysql2'],
  fill: 'fill.cjs',
  server: ['node_modules/node-red/red.js', '--settings', 'settings.cjs'],
  environment: ({ folder }) => ({ APPLICATION_FOLDER: `${folder}/flows` }),
  limit: 10,
  visitors: 50,
  readyPath: '/notes?task=none',
  lockedTable: 'note',
  visit,
  books: (admin) => countByTask(admin, 'SELECT task, COUNT(*) AS count FROM note GROUP BY task'),
};
