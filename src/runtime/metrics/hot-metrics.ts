// Provides counters and histograms for events that happen thousands of times a second. They keep numbers in arrays that
// prom-client reads at a scrape. prom-client's own metrics are slower, because they hash the labels at each call.

export type Labels = Record<string, string>;

interface Sample {
  metricName?: string;
  labels: Record<string, string | number>;
  value: number;
}

/** A metric as prom-client's registry reads it. */
export interface Readable {
  name: string;
  get(): Promise<{ name: string; help: string; type: string; values: Sample[]; aggregator: 'sum' }>;
}

/** A counter whose series (combinations of label values) are known from the start and addressed by their index. */
export class HotCounter implements Readable {
  private readonly counts: Float64Array;

  /** `isShown`: whether a series is exported as 0 before its first increase, so that Prometheus sees that increase. */
  constructor(
    readonly name: string,
    private readonly help: string,
    private readonly series: { labels: Labels; isShown: boolean }[],
  ) {
    this.counts = new Float64Array(series.length);
  }

  add(series: number): void {
    (this.counts[series] as number) += 1;
  }

  async get() {
    const values = this.series
      .map(({ labels, isShown }, index) => ({ labels, isShown, value: this.counts[index] as number }))
      .filter(({ isShown, value }) => isShown || value > 0)
      .map(({ labels, value }): Sample => ({ labels, value }));
    return { name: this.name, help: this.help, type: 'counter', values, aggregator: 'sum' as const };
  }
}

/** A histogram whose series (combinations of label values) are known from the start and addressed by their index. */
export class HotHistogram implements Readable {
  private readonly counts: Float64Array;
  private readonly sums: Float64Array;
  private readonly width: number;

  constructor(
    readonly name: string,
    private readonly help: string,
    private readonly buckets: readonly number[],
    private readonly series: Labels[],
  ) {
    this.width = buckets.length + 1;
    this.counts = new Float64Array(series.length * this.width);
    this.sums = new Float64Array(series.length);
  }

  observe(series: number, value: number): void {
    const { buckets } = this;
    let bucket = 0;
    while (bucket < buckets.length && value > (buckets[bucket] as number)) bucket += 1;
    (this.counts[series * this.width + bucket] as number) += 1;
    (this.sums[series] as number) += value;
  }

  async get() {
    const values = this.series.flatMap((labels, series): Sample[] => {
      let count = 0;
      const counts = [...this.buckets, '+Inf'].map((le, bucket): Sample => {
        count += this.counts[series * this.width + bucket] as number;
        return { metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: count };
      });
      return [
        ...counts,
        { metricName: `${this.name}_sum`, labels, value: this.sums[series] as number },
        { metricName: `${this.name}_count`, labels, value: count },
      ];
    });
    return { name: this.name, help: this.help, type: 'histogram', values, aggregator: 'sum' as const };
  }
}
