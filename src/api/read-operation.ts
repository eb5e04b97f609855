// Checks that a request to the GraphQL endpoint contains one well-formed operation.
import type { IncomingMessage } from 'node:http';
import { wrongType } from '../graphql/http/exact-requests.js';
import { isJson, isUtf8, parseMediaType } from '../runtime/media-type.js';
import { type Answer, problem } from './answer.js';

const MAX_NESTING = 100;

/**
 * Returns the error response; `null` when the request is valid. Refuses forms and plain text, because pages of other
 * origins can send both without a CORS preflight.
 */
export function refuseOperation(request: IncomingMessage, url: URL, body: Buffer): Answer | null {
  if (request.method !== 'POST') return refuseSearch(url.searchParams);
  const { 'content-type': header, 'content-encoding': encoding = 'identity' } = request.headers;
  const type = parseMediaType(header);
  if (!type || !isJson(type) || !isUtf8(type)) return problem(415, wrongType(header));
  if (encoding.toLowerCase() !== 'identity') return problem(415, 'The body must not be compressed.');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return problem(400, 'The body is not UTF-8.');
  }
  return refuseJson('The body', text, (sent) => {
    if (Array.isArray(sent)) return 'The body is a list, but batches are not supported: send a single operation per request.';
    if (typeof sent !== 'object' || sent === null || !('query' in sent) || typeof sent.query !== 'string')
      return 'The body must be an object with `query`, the text of an operation, and optionally `variables`.';
    return null;
  });
}

function refuseSearch(search: URLSearchParams): Answer | null {
  for (const name of ['variables', 'extensions']) {
    const text = search.get(name);
    const refusal = text
      ? refuseJson(`The parameter ${name}`, text, (sent) =>
          typeof sent === 'object' && !Array.isArray(sent) ? null : `The parameter ${name} must be an object.`,
        )
      : null;
    if (refusal) return refusal;
  }
  return null;
}

function refuseJson(what: string, text: string, wrong: (sent: unknown) => string | null): Answer | null {
  let sent: unknown;
  try {
    sent = JSON.parse(text);
  } catch (error) {
    return problem(400, `${what} is not JSON: ${(error as Error).message.slice(0, 200)}.`);
  }
  const message = wrong(sent) ?? problemIn(what, sent, MAX_NESTING);
  return message === null ? null : problem(400, message);
}

function problemIn(what: string, value: unknown, left: number): string | null {
  if (typeof value === 'string') return value.includes('\0') ? `${what} contains the character U+0000, which Postgres cannot store.` : null;
  if (typeof value !== 'object' || value === null) return null;
  if (left === 0) return `${what} nests lists and objects more than ${MAX_NESTING} levels deep, which is the limit.`;
  for (const inner of Object.values(value)) {
    const wrong = problemIn(what, inner, left - 1);
    if (wrong !== null) return wrong;
  }
  return null;
}
