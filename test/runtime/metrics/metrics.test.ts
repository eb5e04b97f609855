// Tests the text for Prometheus: what is counted, what is observed, and gauges that are absent.
import { expect, it } from 'vitest';
import { METRICS, type MetricName } from '../../../src/runtime/metrics/declarations.js';
import { createMetrics } from '../../../src/runtime/metrics/metrics.js';

const linesOf = (body: string, name: string) => body.split('\n').filter((line) => line.startsWith(name));

it('writes counters, with the series that are shown before they are counted', async () => {
  const metrics = createMetrics();
  const counter = metrics.hotCounter('hookgraph_attempts_total', [
    { labels: { kind: 'LIVE', outcome: 'DELIVERED', stage: '' }, isShown: true },
    { labels: { kind: 'LIVE', outcome: 'FAILED', stage: 'STATUS' }, isShown: false },
    { labels: { kind: 'TEST', outcome: 'FAILED', stage: 'STATUS' }, isShown: false },
  ]);
  counter.add(1);
  counter.add(1);
  metrics.count('hookgraph_renderer_restarts_total', { cause: 'TEMPLATE' }, 0);
  metrics.count('hookgraph_renderer_restarts_total', { cause: 'UNKNOWN' });
  const { body, contentType } = await metrics.write([], { process: false });
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(linesOf(body, 'hookgraph_attempts_total')).toEqual([
    'hookgraph_attempts_total{kind="LIVE",outcome="DELIVERED",stage=""} 0',
    'hookgraph_attempts_total{kind="LIVE",outcome="FAILED",stage="STATUS"} 2',
  ]);
  expect(linesOf(body, 'hookgraph_renderer_restarts_total')).toEqual([
    'hookgraph_renderer_restarts_total{cause="TEMPLATE"} 0',
    'hookgraph_renderer_restarts_total{cause="UNKNOWN"} 1',
  ]);
  expect(body).toContain('# TYPE hookgraph_attempts_total counter');
});

it('writes histograms with cumulative buckets; a value on a bound belongs to its bucket', async () => {
  const metrics = createMetrics();
  const histogram = metrics.histogram('hookgraph_attempt_duration_seconds', [{ outcome: 'DELIVERED' }, { outcome: 'FAILED' }]);
  for (const seconds of [0.0005, 0.001, 0.3, 60]) histogram.observe(1, seconds);
  const { body } = await metrics.write([], { process: false });
  const bucket = (le: string) =>
    new RegExp(
      `bucket\\{le="${le.replace('+', '\\+')}",outcome="FAILED"\\} (\\d+)|bucket\\{outcome="FAILED",le="${le.replace('+', '\\+')}"\\} (\\d+)`,
    ).exec(body);
  const countOf = (le: string) => Number(bucket(le)?.[1] ?? bucket(le)?.[2]);
  expect(['0.001', '0.25', '0.5', '10', '+Inf'].map(countOf)).toEqual([2, 2, 3, 3, 4]);
  expect(linesOf(body, 'hookgraph_attempt_duration_seconds_count{outcome="FAILED"')).toEqual([
    'hookgraph_attempt_duration_seconds_count{outcome="FAILED"} 4',
  ]);
  expect(body).toContain('# TYPE hookgraph_attempt_duration_seconds histogram');
});

it('writes gauges of this scrape alone', async () => {
  const metrics = createMetrics();
  const first = await metrics.write([{ name: 'hookgraph_due_deliveries', labels: { paced: 'false' }, value: 7 }], { process: false });
  expect(first.body).toContain('hookgraph_due_deliveries{paced="false"} 7');
  const second = await metrics.write([{ name: 'hookgraph_database_up', value: 0 }], { process: false });
  expect(second.body).toContain('hookgraph_database_up 0');
  expect(second.body).not.toContain('hookgraph_due_deliveries');
});

it('adds what is measured of the process where that is asked for', async () => {
  const metrics = createMetrics();
  expect((await metrics.write([], { process: false })).body).not.toContain('nodejs_');
  const { body } = await metrics.write([], { process: true });
  expect(body).toContain('nodejs_eventloop_lag_p99_seconds');
  expect(body).toContain('process_cpu_seconds_total');
});

it('names metrics by the conventions of Prometheus', () => {
  for (const [name, { type, labels }] of Object.entries(METRICS) as [MetricName, (typeof METRICS)[MetricName]][]) {
    expect(name).toMatch(/^hookgraph_[a-z_]+$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    expect(name, name).not.toMatch(/_(ms|milliseconds|minutes)\b/);
    for (const label of labels) expect(label, name).toMatch(/^(kind|outcome|stage|cause|rule|loop|pool|state|paced|reason)$/);
  }
});
