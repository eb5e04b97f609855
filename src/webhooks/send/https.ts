// A request -> the reply, or the stage at which there was none.
import { Agent, errors } from 'undici';
import { EgressFailed, type Guard } from '../base/guard.js';
import type { Exchange } from '../base/model.js';
import { DEADLINE_MS, type Destination, MAX_RESPONSE_BYTES, noReplyOf, type Reply } from './destination.js';

/** Keeps connections alive per origin; never follows a redirect. */
export function openHttpsDestination(guard: Pick<Guard, 'connect'>, deadlineMs = DEADLINE_MS): Destination<Exchange> {
  const agent = new Agent({
    connect: guard.connect,
    connections: 200,
    pipelining: 1,
    keepAliveTimeout: 10_000,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    async send(request, withinMs = deadlineMs) {
      const started = performance.now();
      const deadline = new AbortController();
      const timer = setTimeout(() => deadline.abort(), withinMs);
      try {
        try {
          return await exchange(agent, request, deadline.signal, started);
        } catch (error) {
          // A kept-alive connection that the receiver closed as we wrote: no reply can have been meant for us.
          if (!deadline.signal.aborted && isStaleConnection(error)) return await exchange(agent, request, deadline.signal, started);
          throw error;
        }
      } catch (error) {
        if (error instanceof EgressFailed) throw error;
        return noReplyOf(error, deadline.signal.aborted, deadlineMs, performance.now() - started);
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => agent.close(),
  };
}

async function exchange(agent: Agent, request: Exchange, signal: AbortSignal, started: number): Promise<Reply> {
  const { origin, headers, body } = request;
  // Not a slice of what was written: an origin leaves out :443 and writes a host as DNS does.
  const { pathname, search } = new URL(request.url);
  const response = await agent.request({ origin, path: pathname + search, method: 'POST', headers, body, signal });
  const firstByteMs = performance.now() - started;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= MAX_RESPONSE_BYTES) break;
  }
  return {
    kind: 'REPLY',
    status: response.statusCode,
    headers: Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
    ),
    body: Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES).toString('utf8'),
    firstByteMs,
    sendMs: performance.now() - started,
  };
}

const isStaleConnection = (error: unknown): boolean =>
  error instanceof errors.SocketError && (error.socket?.bytesRead ?? 0) > 0 && error.message === 'other side closed';
