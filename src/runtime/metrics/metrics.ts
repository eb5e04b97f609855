// Keeps the declared metrics in registries of prom-client, and writes them as text for Prometheus.
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client';
import { type Declaration, METRICS, type MetricName } from './declarations.js';
import { HotCounter, HotHistogram, type Labels } from './hot-metrics.js';

export interface MetricsText {
  contentType: string;
  body: string;
}

/** The value of a gauge at the time of a scrape. */
export interface Reading {
  name: MetricName;
  labels?: Labels;
  value: number;
}

export interface Metrics {
  /** Increases a counter. `by: 0` shows a series before it is counted, so that its first increase is seen. */
  count(name: MetricName, labels?: Labels, by?: number): void;
  /** A counter for hot paths, with all of its series. */
  hotCounter(name: MetricName, series: { labels: Labels; isShown: boolean }[]): HotCounter;
  /** A histogram, with all of its series. */
  histogram(name: MetricName, series: Labels[]): HotHistogram;
  /** Writes all metrics; gauges have these readings. `process`: with memory, processor time and event-loop delay of the process. */
  write(readings: Reading[], options: { process: boolean }): Promise<MetricsText>;
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  const counters = new Map<MetricName, Counter>();
  let ofProcess: Registry | undefined;

  const register = <T extends HotCounter | HotHistogram>(metric: T): T => {
    // The registry reads a metric by its name and `get()` alone.
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
      // Event-loop delay is measured from the first scrape on: whoever never scrapes pays nothing for it.
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

/** Made for each scrape, so that a value that can't be read now is absent instead of old. */
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
