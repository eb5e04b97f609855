// Tests the spans of an attempt, and the traceparent that goes to the receiver.
import { trace } from '@opentelemetry/api';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, it } from 'vitest';
import { recorded } from '../support/attempts.js';
import { deliveriesOf } from '../support/engine-rows.js';
import { type EngineWorld, startEngineWorld } from '../support/engine-world.js';
import { until } from '../support/until.js';

let world: EngineWorld;
afterEach(async () => {
  trace.disable();
  await world.close();
});

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

async function insertTraced(): Promise<void> {
  const client = await world.db.pool.connect();
  await client.query('BEGIN');
  await client.query(`SELECT set_config('hookgraph.context', $1, true)`, [JSON.stringify({ actor: null, traceparent: TRACEPARENT })]);
  await client.query(`INSERT INTO public.things (org, name) VALUES ('org', 'Ada')`);
  await client.query('COMMIT');
  client.release();
}

it('continues the trace of the write to the receiver, with a span for each step', async () => {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  world = await startEngineWorld();
  const id = await world.subscribe({ template: '{"name": "{{ data.node.name }}"}' });
  await world.work();
  await insertTraced();
  const [request] = await world.receiver.waitFor(1);
  await expect.poll(() => exporter.getFinishedSpans().map(({ name }) => name)).toContain('hookgraph.attempt');
  const spans = exporter.getFinishedSpans();
  expect(spans.map(({ name }) => name).sort()).toEqual(
    ['attempt', 'claim', 'query', 'relay', 'request', 'templates', 'verdict'].map((name) => `hookgraph.${name}`),
  );
  expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE]));
  const named = (name: string) => spans.find((span) => span.name === `hookgraph.${name}`);
  expect(named('attempt')?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
  const [delivery] = await deliveriesOf(world.db.pool, id);
  expect(named('attempt')?.attributes).toMatchObject({
    'hookgraph.delivery.id': delivery.id,
    'hookgraph.subscription.id': id,
    'hookgraph.topic': 'thing/created',
    'hookgraph.outcome': 'DELIVERED',
  });
  expect(named('request')?.attributes).toMatchObject({ 'http.response.status_code': 200 });
  expect(request?.headers.traceparent).toBe(`00-${TRACE}-${named('request')?.spanContext().spanId}-01`);
  const [attempt] = await until('the attempt is recorded', async () => {
    const found = await recorded(world.db.pool);
    return found.length > 0 ? found : null;
  });
  expect(attempt?.request?.headers.traceparent).toBe(request?.headers.traceparent);
});

it('sends the header of the owner alone where a subscription has its own traceparent', async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider());
  world = await startEngineWorld();
  const own = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`;
  await world.subscribe({ query: null, headers: [{ name: 'Traceparent', value: own }] });
  await world.work();
  await insertTraced();
  const [request] = await world.receiver.waitFor(1);
  expect(request?.headers.traceparent).toBe(own);
});

it('sends no traceparent on unless the host traces', async () => {
  world = await startEngineWorld();
  await world.subscribe({ query: null });
  await world.work();
  await insertTraced();
  const [request] = await world.receiver.waitFor(1);
  expect(request?.headers).not.toHaveProperty('traceparent');
});
