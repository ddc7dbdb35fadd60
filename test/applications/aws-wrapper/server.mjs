/** AWS's wrapper around mysql2, with its internal pools. They are for names of RDS instances only, so such a name leads to this machine here. */
import dns from 'node:dns';
import { AwsPoolConfig, InternalPooledConnectionProvider } from 'aws-advanced-nodejs-wrapper';
import { AwsMySQLClient } from 'aws-advanced-nodejs-wrapper/mysql';
import { createConnection } from 'mysql2/promise';
import { serveNotes } from './notes-server.mjs';

const { lookup } = dns;
dns.lookup = (name, ...rest) => lookup(name.endsWith('.rds.amazonaws.com') ? '127.0.0.1' : name, ...rest);

const database = JSON.parse(process.env.APPLICATION_DATABASE);
const provider = new InternalPooledConnectionProvider(new AwsPoolConfig({ maxConnections: Number(process.env.APPLICATION_LIMIT) }));

const admin = await createConnection(database);
await admin.query('CREATE TABLE IF NOT EXISTS note (id INT AUTO_INCREMENT PRIMARY KEY, task VARCHAR(60) NOT NULL, KEY (task))');
await admin.end();

/** A client for each request, as the wrapper's documentation shows for its internal pools: `end()` gives its connection back. */
async function withClient(work) {
  const client = new AwsMySQLClient({
    ...database,
    host: 'instance-1.abcdefghijkl.us-east-2.rds.amazonaws.com',
    plugins: '',
    connectionProvider: provider,
  });
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end();
  }
}

serveNotes({
  write: (task) => withClient((client) => client.query({ sql: 'INSERT INTO note (task) VALUES (?)', values: [task] })),
  read: (task) =>
    withClient(async (client) => {
      const [rows] = await client.query({ sql: 'SELECT task FROM note WHERE task = ?', values: [task] });
      return rows;
    }),
  end: () => provider.releaseResources(),
});
