// Reads and writes W3C trace contexts, as https://www.w3.org/TR/trace-context/#traceparent-header defines them.
import { context, isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api';

const FORMAT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** Parses a traceparent; `null` when the text isn't valid. */
export function parseTraceparent(text: string | null | undefined): SpanContext | null {
  const [, traceId = '', spanId = '', flags = ''] = FORMAT.exec(text ?? '') ?? [];
  const found = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(found) ? found : null;
}

export const toTraceparent = ({ traceId, spanId, traceFlags }: SpanContext): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;

/** Returns the traceparent of the active span; `null` when no span is active. */
export function activeTraceparent(): string | null {
  const active = trace.getSpanContext(context.active());
  return active && isSpanContextValid(active) ? toTraceparent(active) : null;
}
