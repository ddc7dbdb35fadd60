/** Settings of Node-RED: its flows are those that flows.cjs has written; all else is its default. */
module.exports = {
  uiHost: '127.0.0.1',
  uiPort: Number(process.env.PORT),
  userDir: process.env.APPLICATION_FOLDER,
  flowFile: 'flows.json',
  credentialSecret: false,
  mysqlConnectionLimit: Number(process.env.APPLICATION_LIMIT),
  telemetry: { enabled: false },
};
