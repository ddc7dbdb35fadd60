/** Spans and durations of acquires, statements and cached reads, for OpenTelemetry. */

import { type Channel, channel } from 'node:diagnostics_channel';
import type { Attributes, Histogram, Meter, Span, TextMapPropagator, Tracer } from '@opentelemetry/api';
import { messageOf } from '../engine/index.js';
import { performance } from '../engine/waiting/index.js';
import { commentOf, factsOf, type StatementFacts } from '../sql/index.js';
import { type CachedRead, cachedReads, givenTexts, type StatementToSend, statementsToSend } from '../mysql/index.js';
import { api, IN_SECONDS } from './otel-api.js';
import { failureOf, Places, type Where } from './otel-attributes.js';

/** What channels publish about one acquire or statement. */
interface Operation extends Where {
  readonly query?: string;
  readonly error?: unknown;
  [of: symbol]: Begun | undefined;
}

/** What is known of an operation that has begun. An acquire that did not have to wait is settled before its call is over. */
interface Begun {
  readonly span: Span | undefined;
  readonly attributes: Attributes | undefined;
  readonly startedAt: number;
}

type Listener = (message: unknown, name: string | symbol) => void;

/** What is to be made of operations. */
export interface OperationSinks {
  readonly tracer: Tracer | undefined;
  readonly meter: Meter | undefined;
  /** Statements are sent with what this has to say about their spans. */
  readonly propagator: TextMapPropagator | undefined;
}

/** Follows statements over mysql2's diagnostics channels, and acquires and cached reads over Poolwright's. */
export class Operations {
  readonly #tracer: Tracer | undefined;
  readonly #propagator: TextMapPropagator | undefined;
  readonly #duration: Histogram | undefined;
  /** Where what is known of an operation is kept on it: a WeakMap would cost more than the rest. */
  readonly #begun = Symbol('poolwright.otel');
  /** Of the statement that is published next. */
  #givenText: string | undefined = undefined;
  readonly #places = new Places();
  /** The span of the statement that is being queued on its connection now. */
  #current: Span | undefined = undefined;
  readonly #stops: (() => void)[] = [];

  constructor({ tracer, meter, propagator }: OperationSinks) {
    this.#tracer = tracer;
    this.#propagator = propagator;
    this.#duration = meter?.createHistogram('db.client.operation.duration', {
      ...IN_SECONDS,
      description: 'Duration of database client operations.',
    });
    if (tracer !== undefined || meter !== undefined) {
      this.#listen(givenTexts, (text) => {
        this.#givenText = text as string | undefined;
      });
      for (const name of ['mysql2:query', 'mysql2:execute']) this.#followStatements(name);
    }
    if (tracer !== undefined) {
      this.#followAcquires(tracer);
      this.#listen(cachedReads, (read) => this.#cachedRead(tracer, read as CachedRead));
    }
    if (propagator !== undefined) this.#listen(statementsToSend, (message) => this.#comment(propagator, message as StatementToSend));
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #followStatements(name: string): void {
    this.#listen(channel(`tracing:${name}:start`), (operation) => this.#begin(operation as Operation));
    this.#listen(channel(`tracing:${name}:asyncStart`), (operation) => this.#finish(operation as Operation));
    if (this.#propagator === undefined) return;
    this.#listen(channel(`tracing:${name}:end`), () => {
      this.#current = undefined;
    });
  }

  /** Most acquires are served within their call, and have no span: it would say nothing that the statement's does not. */
  #followAcquires(tracer: Tracer): void {
    const name = 'tracing:poolwright:acquire';
    this.#listen(channel(`${name}:end`), (operation) => {
      const acquire = operation as Operation;
      if (this.#begun in acquire) return;
      acquire[this.#begun] = { span: this.#acquireSpan(tracer, acquire), attributes: undefined, startedAt: 0 };
    });
    this.#listen(channel(`${name}:asyncStart`), (message) => {
      const acquire = message as Operation;
      const begun = acquire[this.#begun];
      // Settled before its call is over: only its failure says something.
      acquire[this.#begun] = undefined;
      if (begun !== undefined) end(begun.span, acquire.error);
      else if (acquire.error !== undefined) end(this.#acquireSpan(tracer, acquire), acquire.error);
    });
  }

  #acquireSpan(tracer: Tracer, operation: Operation): Span {
    return tracer.startSpan('acquire connection', { kind: api.SpanKind.INTERNAL, attributes: this.#places.attributesOf(operation) });
  }

  #listen(to: Channel, listener: Listener): void {
    to.subscribe(listener);
    this.#stops.push(() => to.unsubscribe(listener));
  }

  #begin(operation: Operation): void {
    const facts = factsOf(this.#givenText ?? operation.query ?? '');
    this.#givenText = undefined;
    const attributes = this.#places.attributesOfStatement(operation, facts.names);
    const span = this.#tracer === undefined ? undefined : this.#spanOf(this.#tracer, facts, attributes);
    if (this.#propagator !== undefined) this.#current = span;
    if (this.#duration !== undefined) operation[this.#begun] = { span, attributes, startedAt: performance.now() };
    else if (span?.isRecording() === true) operation[this.#begun] = { span, attributes: undefined, startedAt: 0 };
  }

  /** @param common also a metric's, if there is one: the text has too many values for that */
  #spanOf(tracer: Tracer, facts: StatementFacts, common: Attributes): Span {
    const attributes = this.#duration === undefined ? common : { ...common };
    attributes['db.query.text'] = facts.digest;
    return tracer.startSpan(facts.summary, { kind: api.SpanKind.CLIENT, attributes });
  }

  #finish(operation: Operation): void {
    const begun = operation[this.#begun];
    // mysql2 reports a statement that cannot be prepared twice.
    if (begun === undefined) return;
    operation[this.#begun] = undefined;
    const { error } = operation;
    end(begun.span, error);
    if (this.#duration === undefined) return;
    const attributes = error === undefined ? begun.attributes : { ...begun.attributes, ...failureOf(error) };
    this.#duration.record((performance.now() - begun.startedAt) / 1_000, attributes);
  }

  /** In memory, so of the kind INTERNAL; the server has done nothing, so it is not in the durations of operations. */
  #cachedRead(tracer: Tracer, read: CachedRead): void {
    const facts = factsOf(read.query);
    const { from, startedAt, error } = read;
    const attributes = {
      ...this.#places.attributesOfStatement(read, facts.names),
      'db.query.text': facts.digest,
      'poolwright.cache.hit': from !== 'coalesced',
      'poolwright.cache.from': from,
    };
    const span = tracer.startSpan(facts.summary, { kind: api.SpanKind.INTERNAL, attributes, startTime: startedAt });
    fail(span, error);
    span.end(performance.now());
  }

  #comment(propagator: TextMapPropagator, message: StatementToSend): void {
    const active = api.context.active();
    const context = this.#current === undefined ? active : api.trace.setSpan(active, this.#current);
    const tags: Record<string, string> = {};
    propagator.inject(context, tags, api.defaultTextMapSetter);
    message.comment = commentOf(tags);
  }
}

function end(span: Span | undefined, error: unknown): void {
  if (span === undefined) return;
  fail(span, error);
  span.end();
}

function fail(span: Span, error: unknown): void {
  if (error === undefined) return;
  span.setAttributes(failureOf(error));
  span.setStatus({ code: api.SpanStatusCode.ERROR, message: messageOf(error) });
}
