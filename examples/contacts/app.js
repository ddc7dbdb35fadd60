// A service that cleans contacts: Express and Drizzle on mysql2, written as if Poolwright did not exist.
//
//   DATABASE_URL=mysql://… node --import poolwright/register contacts/app.js
//   curl -H 'content-type: text/csv' --data-binary @contacts.csv http://127.0.0.1:3001/contacts
import { parse } from 'csv-parse';
import { asc, count, eq, gt, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/mysql2';
import express from 'express';
import mysql from 'mysql2/promise';
import { clean } from './clean.js';
import { contacts, createTable } from './schema.js';

const CONNECTIONS = 20;
const ROWS_PER_INSERT = 500;
const PAGE = 100;

const pool = mysql.createPool({ uri: process.env.DATABASE_URL, connectionLimit: CONNECTIONS });
const db = drizzle(pool);

/** Stores a batch; a contact that is known by its e-mail address is brought up to date. */
async function store(rows) {
  const latest = { name: sql`VALUES(name)`, phone: sql`VALUES(phone)`, country: sql`VALUES(country)` };
  await db.insert(contacts).values(rows).onDuplicateKeyUpdate({ set: latest });
}

/** Reads a file row by row, and stores the cleaned rows over all connections at once. */
async function importFile(stream) {
  const summary = { received: 0, stored: 0, rejected: 0 };
  const storing = new Set();
  let batch = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const rows = batch;
    batch = [];
    const work = store(rows).then(() => {
      summary.stored += rows.length;
      storing.delete(work);
    });
    storing.add(work);
    if (storing.size >= CONNECTIONS) await Promise.race(storing);
  };
  for await (const row of stream.pipe(parse({ columns: true, bom: true }))) {
    summary.received += 1;
    const contact = clean(row);
    if (contact === undefined) summary.rejected += 1;
    else batch.push(contact);
    if (batch.length >= ROWS_PER_INSERT) await flush();
  }
  await flush();
  await Promise.all(storing);
  return summary;
}

const app = express();

app.post('/contacts', async (request, response) => {
  response.json(await importFile(request));
});

app.get('/contacts', async (request, response) => {
  const after = Number(request.query.after ?? 0);
  response.json(await db.select().from(contacts).where(gt(contacts.id, after)).orderBy(asc(contacts.id)).limit(PAGE));
});

app.get('/contacts/:email', async (request, response) => {
  const [contact] = await db.select().from(contacts).where(eq(contacts.email, request.params.email));
  response.status(contact === undefined ? 404 : 200).json(contact ?? { error: 'not found' });
});

app.get('/countries', async (_request, response) => {
  response.json(await db.select({ country: contacts.country, contacts: count() }).from(contacts).groupBy(contacts.country));
});

app.use((error, _request, response, _next) => {
  response.status(500).json({ error: error.message });
});

await db.execute(createTable);
const server = app.listen(Number(process.env.PORT ?? 3001), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

process.once('SIGTERM', () => {
  server.close(async () => {
    await pool.end();
    console.log('ended');
  });
});
