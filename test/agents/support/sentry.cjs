/** Sentry's SDK, with a transport that keeps what it is given. */
const Sentry = require('@sentry/node');

const items = [];

Sentry.init({
  dsn: 'https://public@localhost/1',
  tracesSampleRate: 1,
  traceLifecycle: 'static',
  transport: () => ({
    send: async ([, sent]) => {
      items.push(...sent);
      return {};
    },
    flush: async () => true,
  }),
});

globalThis.tracing = {
  request: (name, work) => Sentry.startNewTrace(() => Sentry.startSpan({ name, op: 'http.server', forceTransaction: true }, work)),
  async spans() {
    await Sentry.flush();
    const transactions = items.filter(([{ type }]) => type === 'transaction').map(([, transaction]) => transaction);
    return transactions.flatMap(({ transaction, contexts, spans }) => [
      { id: contexts.trace.span_id, parent: undefined, name: transaction },
      ...spans.map((span) => ({
        id: span.span_id,
        parent: span.parent_span_id,
        name: span.description,
        sql: span.data['db.query.text'] ?? span.data['db.statement'],
        failed: span.status !== undefined && span.status !== 'ok',
      })),
    ]);
  },
};
