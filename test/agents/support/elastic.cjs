/** Elastic APM's agent, started by its own entry; its spans go to the collector, as to a server of Elastic's. */
const apm = require('elastic-apm-node');
// It sees what is required, and not what is imported: once for all.
// oxlint-disable-next-line import/no-unassigned-import
require('mysql2');

globalThis.tracing = {
  async request(name, work) {
    // A transaction is current for what begins after it.
    await new Promise((resolve) => setImmediate(resolve));
    const transaction = apm.startTransaction(name, 'request');
    await work();
    transaction.end();
  },
  async spans() {
    await apm.flush();
    await apm.destroy();
    return [];
  },
};
