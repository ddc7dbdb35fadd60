/** A metric for prom-client whose values are read when they are scraped. */

/** A line of the exposition: `name{labels} value`. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Where it differs from the metric's name: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly metricName?: string;
}

/** What there is to know of a metric but its values. */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** How the values of a cluster's processes are combined. */
  readonly aggregator: 'sum' | 'max' | 'min';
}

/**
 * A metric whose values belong to other objects and are read when it is scraped. It has what prom-client's registries use of a metric;
 * prom-client's own classes only count by themselves, and its histogram takes no buckets that were counted before.
 */
export class CollectedMetric {
  /** prom-client takes the `_total` off when it writes OpenMetrics. */
  name: string;
  readonly type: MetricDescription['type'];
  readonly help: string;
  readonly aggregator: MetricDescription['aggregator'];
  readonly #collect: () => readonly Sample[] | Promise<readonly Sample[]>;
  #others: (() => readonly Sample[]) | undefined = undefined;

  constructor(
    { name, type, help, aggregator }: MetricDescription,
    collect: (name: string) => readonly Sample[] | Promise<readonly Sample[]>,
  ) {
    this.name = name;
    this.type = type;
    this.help = help;
    this.aggregator = aggregator;
    this.#collect = () => collect(name);
  }

  async get(): Promise<object> {
    const samples = this.#collect();
    const own = samples instanceof Promise ? await samples : samples;
    const values = this.#others === undefined ? own : withoutRepetitions([...own, ...this.#others()]);
    return { name: this.name, type: this.type, help: this.help, aggregator: this.aggregator, values };
  }

  /** Adds the samples of another monitoring that found this metric in its registry. A second call replaces the first. */
  alsoFrom(others: () => readonly Sample[]): void {
    this.#others = others;
  }

  /** Does nothing: the values belong to the pools. */
  reset(): void {}

  /** As any registry takes it, whose types know only its own classes. */
  asMetric(): never {
    return this as never;
  }
}

/** What is used of prom-client's `Registry`. A structure of its own: clients of the router have its types without prom-client. */
export interface MetricsRegistry {
  readonly contentType: string;
  /** All metrics as text. */
  metrics(): Promise<string>;
  getSingleMetric(name: string): unknown;
  registerMetric(metric: never): void;
}

/** The first sample of each set of labels: Prometheus rejects the whole scrape when two are the same. */
function withoutRepetitions(samples: readonly Sample[]): Sample[] {
  const seen = new Map<string, Sample>();
  for (const sample of samples) {
    const labels = JSON.stringify(Object.entries(sample.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    if (!seen.has(labels)) seen.set(labels, sample);
  }
  return [...seen.values()];
}
