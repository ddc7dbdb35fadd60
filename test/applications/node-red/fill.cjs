/** Makes the table, and writes the flows of Node-RED: two HTTP endpoints, each with a node of MySQL behind it, and one that catches errors. */
const { mkdirSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const mysql = require('mysql2/promise');

const { host, port, user, password, database } = JSON.parse(process.env.APPLICATION_DATABASE);
const folder = process.env.APPLICATION_FOLDER;

const endpoint = (name, method, url, statement, answer) => [
  { id: `${name}-in`, z: 'tab', type: 'http in', name: '', url, method, upload: false, wires: [[`${name}-statement`]] },
  { id: `${name}-statement`, z: 'tab', type: 'function', name: '', func: statement, outputs: 1, wires: [[`${name}-mysql`]] },
  { id: `${name}-mysql`, z: 'tab', type: 'mysql', name: '', mydb: 'database', wires: [[`${name}-answer`]] },
  { id: `${name}-answer`, z: 'tab', type: 'function', name: '', func: answer, outputs: 1, wires: [['response']] },
];

const flows = [
  { id: 'tab', type: 'tab', label: 'Notes', disabled: false },
  { id: 'database', type: 'MySQLdatabase', name: '', host, port: String(port), db: database, tz: '', charset: 'UTF8MB4_GENERAL_CI' },
  // An array takes the place of question marks; an object takes that of names, by a queryFormat that the node sets on the connection.
  ...endpoint(
    'write',
    'post',
    '/notes',
    "msg.topic = 'INSERT INTO note (task) VALUES (?)'; msg.payload = [msg.payload.task]; return msg;",
    'msg.payload = { id: msg.payload.insertId }; return msg;',
  ),
  ...endpoint(
    'read',
    'get',
    '/notes',
    "msg.topic = 'SELECT id, task FROM note WHERE task = :task'; msg.payload = { task: msg.req.query.task }; return msg;",
    'return msg;',
  ),
  { id: 'catch', z: 'tab', type: 'catch', name: '', scope: null, uncaught: false, wires: [['failure']] },
  {
    id: 'failure',
    z: 'tab',
    type: 'function',
    name: '',
    func: 'msg.statusCode = 500; msg.payload = { message: String(msg.error.message) }; return msg;',
    outputs: 1,
    wires: [['response']],
  },
  { id: 'response', z: 'tab', type: 'http response', name: '', statusCode: '', headers: {}, wires: [] },
];

/** A node without a place is one of settings, for Node-RED. */
const placed = (node) => (node.z === undefined ? node : { x: 100, y: 100, ...node });

async function fill() {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'flows.json'), JSON.stringify(flows.map(placed)));
  writeFileSync(path.join(folder, 'flows_cred.json'), JSON.stringify({ database: { user, password } }));
  const connection = await mysql.createConnection({ host, port, user, password, database });
  await connection.query('CREATE TABLE note (id INT AUTO_INCREMENT PRIMARY KEY, task VARCHAR(60) NOT NULL, KEY (task))');
  await connection.end();
}

void fill();
