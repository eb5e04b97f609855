// Keeps the declared metrics in registries of prom-client, and writes them as text for Prometheus.
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import { type Declaration, METRICS, type MetricName } from './declarations.js';
import { HotCounter, HotHistogram, type Labels } from './hot-metrics.js';

export interface MetricsText {
  contentType: string;
  body: string;
}

/** A gauge's value at the time of a scrape. */
export interface Reading {
  name: MetricName;
  labels?: Labels;
  value: number;
}

export interface Metrics {
  /** Increases a counter. `by: 0` exports a series with the value 0, so that Prometheus sees its first increase. */
  count(name: MetricName, labels?: Labels, by?: number): void;
  /** Registers a fast counter; `series` lists all combinations of label values that it may count. */
  hotCounter(name: MetricName, series: { labels: Labels; isShown: boolean }[]): HotCounter;
  /** Registers a fast histogram; `series` lists all combinations of label values that it may observe. */
  histogram(name: MetricName, series: Labels[]): HotHistogram;
  /**
   * Writes all metrics as text, with `readings` as the values of the gauges. `process`: whether to add memory,
   * processor time and event-loop delay of this process.
   */
  write(readings: Reading[], options: { process: boolean }): Promise<MetricsText>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const counters = new Map<MetricName, Counter>();
  let ofProcess: Registry | undefined;

  const register = <T extends HotCounter | HotHistogram>(metric: T): T => {
    // The registry uses only a metric's name and `get()`, so the cast is safe.
    registry.registerMetric(metric as unknown as Metric);
    return metric;
  };

  return {
    count(name, labels = {}, by = 1) {
      const counter = counters.get(name) ?? new Counter(optionsOf(name, registry));
      counters.set(name, counter);
      counter.inc(labels, by);
    },
    hotCounter: (name, series) => register(new HotCounter(name, METRICS[name].meaning, series)),
    histogram: (name, series) => register(new HotHistogram(name, METRICS[name].meaning, declared(name).buckets ?? [], series)),
    async write(readings, { process }) {
      // Measuring the event-loop delay starts at the first scrape, so it costs nothing in a process that is never scraped.
      if (process) ofProcess ??= processRegistry();
      const registries = [registry, gaugesOf(readings), ...(process && ofProcess ? [ofProcess] : [])];
      const bodies = await Promise.all(registries.map((one) => one.metrics()));
      return { contentType: registry.contentType, body: bodies.join('\n') };
    },
  };
}

const declared = (name: MetricName): Declaration => METRICS[name];

function optionsOf(name: MetricName, registry: Registry) {
  const { meaning, labels } = declared(name);
  return { name, help: meaning, labelNames: [...labels], registers: [registry] };
}

/** Creates the gauges for each scrape, so that a value that can't be read now is absent instead of outdated. */
function gaugesOf(readings: Reading[]): Registry {
  const registry = new Registry();
  const gauges = new Map<MetricName, Gauge>();
  for (const { name, labels = {}, value } of readings) {
    const gauge = gauges.get(name) ?? new Gauge(optionsOf(name, registry));
    gauges.set(name, gauge);
    gauge.set(labels, value);
  }
  return registry;
}

function processRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
