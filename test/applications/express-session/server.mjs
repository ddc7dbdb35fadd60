/** An Express application that keeps its sessions in MySQL, on a pool of the application's own mysql2, as the readme of the store shows. */
import express from 'express';
import makeStore from 'express-mysql-session';
import session from 'express-session';
import { createPool } from 'mysql2/promise';

const pool = createPool({ ...JSON.parse(process.env.APPLICATION_DATABASE), connectionLimit: Number(process.env.APPLICATION_LIMIT) });
const Store = makeStore(session);
const store = new Store({ createDatabaseTable: true }, pool);
await store.onReady();

const app = express();
app.use(
  session({ store, secret: 'a secret of this check', resave: false, saveUninitialized: false, genid: ({ headers }) => headers['x-task'] }),
);
app.get('/ready', (_request, response) => response.json({}));
app.post('/notes', ({ session: own, headers }, response, next) => {
  own.task = headers['x-task'];
  // express-session answers even when it could not save: an application that wants to know saves before it answers.
  own.save((error) => (error ? next(error) : response.json({})));
});
app.get('/notes', ({ session: own }, response) => response.json(own.task === undefined ? [] : [{ task: own.task }]));
app.use((error, _request, response, _next) => response.status(500).json({ message: String(error.message) }));
const server = app.listen(Number(process.env.PORT), '127.0.0.1');
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void store
    .close()
    .then(() => pool.end().catch(() => undefined))
    .then(() => process.exit(0));
});
