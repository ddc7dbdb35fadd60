/** OpenTelemetry's SDK with the instrumentation of mysql2, and spans kept in memory. */
const Module = require('node:module');

// One API for all: npm puts the instrumentation beside an older one, which other packages of this repository ask for.
const api = require.resolve('@opentelemetry/api');
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return request === '@opentelemetry/api' ? api : Reflect.apply(resolveFilename, this, [request, ...rest]);
};

const { context, SpanStatusCode, trace } = require('@opentelemetry/api');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } = require('@opentelemetry/sdk-trace');
const { MySQL2Instrumentation } = require('@opentelemetry/instrumentation-mysql2');

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const instrumentation = new MySQL2Instrumentation();
instrumentation.setTracerProvider(provider);
const tracer = trace.getTracer('requests');

globalThis.tracing = {
  request: (name, work) =>
    tracer.startActiveSpan(name, async (span) => {
      await work();
      span.end();
    }),
  async spans() {
    await provider.forceFlush();
    return exporter.getFinishedSpans().map((span) => ({
      id: span.spanContext().spanId,
      parent: span.parentSpanContext?.spanId,
      name: span.name,
      sql: span.attributes['db.query.text'] ?? span.attributes['db.statement'],
      failed: span.status.code === SpanStatusCode.ERROR,
    }));
  },
};
