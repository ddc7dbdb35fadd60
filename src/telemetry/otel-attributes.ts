/** What spans and metrics of OpenTelemetry say about where a statement runs, what it is, and how it failed. */

import type { Attributes } from '@opentelemetry/api';
import { codeOf } from '../engine/index.js';
import { serverProductAt, type ServerProduct } from '../mysql/index.js';
import type { TelemetryNames } from '../sql/index.js';

/** As channels say it. */
export interface Where {
  readonly database: string;
  readonly serverAddress: string;
  readonly serverPort?: number | undefined;
}

/** A database on a server. */
class Place {
  #product: ServerProduct | undefined = undefined;

  constructor(
    readonly database: string,
    readonly address: string,
    readonly port: number | undefined,
  ) {}

  is({ database, serverAddress, serverPort }: Where): boolean {
    return this.address === serverAddress && this.port === serverPort && this.database === database;
  }

  /** By the greeting. Of connections that are no pool's it is not known: they are mysql2's, so MySQL. */
  get product(): ServerProduct {
    this.#product ??= serverProductAt(this.address, this.port);
    return this.#product ?? 'mysql';
  }
}

/** Places of statements. A process mostly has one, or a few in turns. */
export class Places {
  readonly #known: Place[] = [];
  #last = new Place('', '', undefined);

  /** What is known before there is a statement. */
  attributesOf(where: Where): Attributes {
    return attributesAt(this.#placeOf(where), undefined);
  }

  attributesOfStatement(where: Where, names: TelemetryNames): Attributes {
    return attributesAt(this.#placeOf(where), names);
  }

  #placeOf(where: Where): Place {
    if (this.#last.is(where)) return this.#last;
    this.#last = this.#known.find((place) => place.is(where)) ?? this.#add(where);
    return this.#last;
  }

  #add({ database, serverAddress, serverPort }: Where): Place {
    const place = new Place(database, serverAddress, serverPort);
    if (this.#known.push(place) > MOST_PLACES) this.#known.shift();
    return place;
  }
}

/** A service with a database for each tenant has any number of them. */
const MOST_PLACES = 32;

/** In alphabetical order: an SDK sorts them for each value of a metric. */
function attributesAt({ database, address, port, product }: Place, names: TelemetryNames | undefined): Attributes {
  const attributes: Attributes = {};
  if (names?.collection !== undefined) attributes['db.collection.name'] = names.collection;
  if (database !== '') attributes['db.namespace'] = database;
  if (names !== undefined) {
    if (names.operation !== undefined) attributes['db.operation.name'] = names.operation;
    attributes['db.query.summary'] = names.summary;
    if (names.procedure !== undefined) attributes['db.stored_procedure.name'] = names.procedure;
  }
  attributes['db.system.name'] = product;
  attributes['server.address'] = address;
  if (port !== undefined) attributes['server.port'] = port;
  return attributes;
}

/** The server's own number, where it has answered with an error; otherwise the code of the error, or its class. */
export function failureOf(error: unknown): Attributes {
  const number = serverNumberOf(error);
  return number === undefined ? { 'error.type': codeOf(error) } : { 'error.type': number, 'db.response.status_code': number };
}

function serverNumberOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  // The system's errors, such as a refused connection, have negative numbers and no state.
  const { errno, sqlState } = error as { readonly errno?: unknown; readonly sqlState?: unknown };
  return typeof errno === 'number' && errno > 0 && typeof sqlState === 'string' ? String(errno) : undefined;
}
