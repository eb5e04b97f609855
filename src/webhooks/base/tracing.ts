// Traces attempts through OpenTelemetry's API. Unless the host has registered a tracer provider, no span is made and no `traceparent` is
// sent.
import {
  type Attributes,
  type Context,
  context,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TimeInput,
  trace,
} from '@opentelemetry/api';
import { parseTraceparent, toTraceparent } from '../../runtime/traceparent.js';
import type { DeliveryKind, Outcome, Stage, Timings } from './model.js';

const NAME = 'hookgraph';

/** Returns whether the host has registered a provider of tracers. */
export function isTracing(): boolean {
  const provider = trace.getTracerProvider();
  return !(provider instanceof ProxyTracerProvider) || provider.getDelegateTracer(NAME) !== undefined;
}

/** The write whose trace a delivery continues. */
export interface TraceOrigin {
  /** The `traceparent` of the write that caused the event; `null` when the write had none. */
  traceparent: string | null;
  occurredAt: Date;
}

interface TracedDelivery {
  id: string;
  eventId: string | null;
  kind: DeliveryKind;
  typename: string;
  nodeKey: string;
  attemptCount: number;
  /** When the delivery was created, by `performance.now()`; absent for a test and a before-hook, which are never queued. */
  createdAtMs?: number;
}

interface TracedDefinition {
  subscriptionId: string;
  owner: { tenant: string };
  topic: { key: string };
}

interface TracedAttempt {
  outcome: Outcome;
  stage: Stage | null;
  timings: Timings;
  response: { status: number } | null;
}

export interface AttemptTrace {
  /** Runs the stages with the attempt's span active, so that spans of the host's own resolvers join the trace. */
  run<T>(work: () => T): T;
  /** Starts the span of the request. Returns the `traceparent` to send to the receiver. */
  startRequest(): string;
  /** Ends all spans of the attempt. Pass `null` when the delivery returns to the queue and no attempt is recorded. */
  end(attempt: TracedAttempt | null): void;
}

/**
 * Starts the span of an attempt. The span continues the trace of the write that caused the event; for a test or a before-hook,
 * the active trace. The first attempt of a delivery also gets the spans `relay` and `claim`, which cover the time from the write
 * to the attempt.
 */
export function traceAttempt(definition: TracedDefinition, delivery: TracedDelivery, origin: TraceOrigin | null): AttemptTrace {
  const tracer = trace.getTracer(NAME);
  const remote = parseTraceparent(origin?.traceparent);
  const parent: Context = remote ? trace.setSpanContext(ROOT_CONTEXT, remote) : context.active();
  const startedMs = Date.now();
  const span = tracer.startSpan(
    'hookgraph.attempt',
    { kind: SpanKind.CONSUMER, attributes: attributesOf(definition, delivery), startTime: startedMs },
    parent,
  );
  const own = trace.setSpan(parent, span);
  const child = (name: string, from: TimeInput, to: TimeInput, attributes: Attributes = {}) =>
    tracer.startSpan(name, { startTime: from, attributes }, own).end(to);
  if (origin && delivery.attemptCount === 0 && delivery.createdAtMs !== undefined) {
    const createdMs = startedMs - (performance.now() - delivery.createdAtMs);
    child('hookgraph.relay', origin.occurredAt, createdMs);
    child('hookgraph.claim', createdMs, startedMs);
  }
  let request: { span: Span; startedMs: number } | undefined;

  function endRequest({ outcome, stage, timings, response }: TracedAttempt): number {
    const { queryMs = 0, renderMs = 0, sendMs = 0, authMs = 0 } = timings;
    const payloadMs = startedMs + queryMs + renderMs;
    if (timings.queryMs !== undefined) {
      child('hookgraph.query', startedMs, startedMs + queryMs);
      child('hookgraph.templates', startedMs + queryMs, payloadMs);
    }
    if (!request) return payloadMs;
    const endedMs = request.startedMs + authMs + sendMs;
    if (response) request.span.setAttribute('http.response.status_code', response.status);
    if (outcome === 'FAILED' && stage !== 'ERROR_TEMPLATE') request.span.setStatus({ code: SpanStatusCode.ERROR, message: stage ?? '' });
    request.span.end(endedMs);
    child('hookgraph.verdict', endedMs, Math.max(endedMs, Date.now()));
    return endedMs;
  }

  return {
    run: (work) => context.with(own, work),
    startRequest() {
      const attributes = { 'http.request.method': 'POST' };
      request = { span: tracer.startSpan('hookgraph.request', { kind: SpanKind.CLIENT, attributes }, own), startedMs: Date.now() };
      return toTraceparent(request.span.spanContext());
    },
    end(attempt) {
      if (attempt === null) {
        request?.span.end();
        span.setStatus({ code: SpanStatusCode.ERROR, message: 'not recorded' });
        span.end();
        return;
      }
      const endedMs = endRequest(attempt);
      const { outcome, stage } = attempt;
      span.setAttributes({ 'hookgraph.outcome': outcome, ...(stage !== null && { 'hookgraph.stage': stage }) });
      if (outcome === 'FAILED' || outcome === 'HELD') span.setStatus({ code: SpanStatusCode.ERROR, message: stage ?? '' });
      span.end(Math.max(endedMs, Date.now()));
    },
  };
}

const attributesOf = ({ subscriptionId, owner, topic }: TracedDefinition, delivery: TracedDelivery): Attributes => ({
  'hookgraph.delivery.id': delivery.id,
  ...(delivery.eventId !== null && { 'hookgraph.event.id': delivery.eventId }),
  'hookgraph.delivery.kind': delivery.kind,
  'hookgraph.subscription.id': subscriptionId,
  'hookgraph.tenant': owner.tenant,
  'hookgraph.topic': topic.key,
  'hookgraph.node.type': delivery.typename,
  'hookgraph.node.key': delivery.nodeKey,
  'hookgraph.attempt.number': delivery.attemptCount + 1,
});
