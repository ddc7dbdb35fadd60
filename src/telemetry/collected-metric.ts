import type { Metric } from 'prom-client';

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
  /** How the processes of a cluster are put together. */
  readonly aggregator: 'sum' | 'max' | 'min';
}

/**
 * A metric whose values are somebody else's and are read when it is scraped. It has what prom-client's registries use of a metric;
 * prom-client's own classes only count by themselves, and its histogram takes no buckets that were counted before.
 */
export class CollectedMetric {
  /** prom-client takes the `_total` off when it writes OpenMetrics. */
  name: string;
  readonly type: MetricDescription['type'];
  readonly help: string;
  readonly aggregator: MetricDescription['aggregator'];
  readonly #collect: () => readonly Sample[] | Promise<readonly Sample[]>;

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
    const values = samples instanceof Promise ? await samples : samples;
    return { name: this.name, type: this.type, help: this.help, aggregator: this.aggregator, values };
  }

  /** The values are not this object's to forget. */
  reset(): void {}

  /** As prom-client's types want it. */
  asMetric(): Metric {
    return this as unknown as Metric;
  }
}
