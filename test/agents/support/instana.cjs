/** Instana's collector, which announces itself to an agent on this machine; its spans are kept where it would send them to that. */
const instana = require('@instana/collector');
const agent = require('@instana/collector/src/agentConnection');
const buffer = require('@instana/core/src/tracing/spanBuffer');
// It sees what is required, and not what is imported: once for all.
// oxlint-disable-next-line import/no-unassigned-import
require('mysql2');
// oxlint-disable-next-line import/no-unassigned-import
require('mysql2/promise');

const sent = [];
agent.sendSpans = (spans, done) => {
  sent.push(...spans);
  process.nextTick(done, null);
};

globalThis.tracing = {
  /** Until the agent is there, it traces nothing. */
  ready: () =>
    new Promise((resolve) => {
      const poll = setInterval(() => {
        if (!instana.isConnected()) return;
        clearInterval(poll);
        resolve();
      }, 20);
    }),
  async request(name, work) {
    await new Promise((resolve) => {
      instana.sdk.callback.startEntrySpan(name, async () => {
        await work();
        instana.sdk.callback.completeEntrySpan();
        resolve();
      });
    });
  },
  spans: async () =>
    [...sent, ...buffer.getAndResetSpans()].map(({ s, p, n, ec, data }) => ({
      id: s,
      parent: p,
      name: data.sdk?.name ?? n,
      sql: data.mysql?.stmt,
      failed: ec > 0,
    })),
};
