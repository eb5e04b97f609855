// Creates a client for the GraphQL API over HTTP; needs no database.

import { setTimeout as wait } from 'node:timers/promises';
import type { GraphQLSchema, IntrospectionQuery } from 'graphql';
import { API_PATH } from '../runtime/api-path.js';
import { parseJson, stringifyJson } from '../runtime/exact-json.mjs';
import { RuntimeError } from '../runtime/runtime-error.js';

/** The header that sends the token unless the user configures another header. */
export const DEFAULT_HEADER = 'Authorization: Token token={token}';
const REQUEST_TIMEOUT_MS = 60_000;
/** Maximum milliseconds to wait for a rate limit to end. A longer wait is reported as an error instead. */
const MAX_RATE_LIMIT_WAIT_MS = 30_000;
const PAGE = 100;

// biome-ignore lint/suspicious/noExplicitAny: the type depends on the caller's query.
export type Answer = any;

export interface UserError {
  field: string;
  fullMessage: string;
  type: string;
}

export interface ClientOptions {
  url: string;
  token: string;
  /** The header that sends the token, such as `Authorization: Bearer {token}` or `X-Api-Key: {token}`. */
  header: string;
  /** Sends a request and returns the response. Default: `fetch`. */
  send?(request: Request): Promise<Response>;
}

export interface Client {
  /** The API's URL without a trailing slash, and without the default path `/api/v3/graphql`. */
  url: string;
  ask(query: string, variables?: Record<string, unknown>): Promise<Answer>;
  /** Runs a document with a single mutation and returns its payload. @throws RuntimeError for the payload's `errors` */
  mutate(query: string, variables: Record<string, unknown>): Promise<Answer>;
  /** Returns up to `limit` nodes of a query with a single connection; the query must take `$first` and `$after`. */
  list(query: string, variables: Record<string, unknown>, limit: number): Promise<Answer[]>;
  /** Returns the API's schema. Introspects it once in a process for each URL. */
  schema(): Promise<GraphQLSchema>;
}

/**
 * Adds `https://` to a URL without a scheme, and removes trailing slashes and the sample product's default path.
 * @throws RuntimeError `URL_INVALID`
 */
export function normalizeUrl(url: string): string {
  const withScheme = /^[a-z]+:\/\//i.test(url) ? url : `https://${url}`;
  if (!URL.canParse(withScheme) || !/^https?:$/.test(new URL(withScheme).protocol))
    throw new RuntimeError(
      'URL_INVALID',
      `${JSON.stringify(url)} is not the URL of a Hookgraph API`,
      'Write a URL like https://hooks.example.com',
    );
  return withScheme.replace(/\/+$/, '').replace(new RegExp(`${API_PATH}$`), '');
}

/** Creates the client. @throws RuntimeError `HEADER_INVALID` when `header` isn't a name and a value that contains `{token}` */
export function createClient({ url, token, header, send = fetch }: ClientOptions): Client {
  const endpoint = new URL(url).pathname === '/' ? `${url}${API_PATH}` : url;
  const authentication = authenticationOf(header, token);
  const ask: Client['ask'] = async (query, variables = {}) => {
    for (let triesLeft = 3; ; triesLeft -= 1) {
      const { status, answer } = await post(send, endpoint, authentication, { query, variables });
      const [error] = answer.errors ?? [];
      if (!error) return answer.data;
      const { code, retryAfterSeconds = 0 } = error.extensions ?? {};
      const waitMs = retryAfterSeconds * 1000;
      if (status === 429 && triesLeft > 0 && waitMs <= MAX_RATE_LIMIT_WAIT_MS) await wait(waitMs);
      else throw refusalOf(url, status, code, answer.errors?.map(({ message }) => message).join('\n') ?? '');
    }
  };
  return {
    url,
    ask,
    mutate: async (query, variables) => {
      const [payload] = Object.values((await ask(query, variables)) as Record<string, Answer>);
      throwMistakes(payload.errors);
      return payload;
    },
    list: async (query, variables, limit) => {
      const nodes: Answer[] = [];
      for (let after: string | null = null; nodes.length < limit; ) {
        const asked: Record<string, unknown> = { ...variables, first: Math.min(PAGE, limit - nodes.length), after };
        const [page] = Object.values(await ask(query, asked)) as Answer[];
        nodes.push(...page.nodes);
        if (!page.pageInfo.hasNextPage) break;
        after = page.pageInfo.endCursor;
      }
      return nodes;
    },
    schema: () => schemaOf(url, ask),
  };
}

/** Caches introspected schemas by the API's URL. */
const schemas = new Map<string, Promise<GraphQLSchema>>();

function schemaOf(url: string, ask: Client['ask']): Promise<GraphQLSchema> {
  const known = schemas.get(url);
  if (known) return known;
  const asked = introspect(ask);
  schemas.set(url, asked);
  asked.catch(() => schemas.delete(url));
  return asked;
}

async function introspect(ask: Client['ask']): Promise<GraphQLSchema> {
  const { buildClientSchema, getIntrospectionQuery } = await import('graphql');
  return buildClientSchema((await ask(getIntrospectionQuery())) as IntrospectionQuery);
}

/** Throws the `errors` of a mutation's payload, if there are any, as one RuntimeError with a line for each. */
export function throwMistakes(errors: readonly UserError[], format = (error: UserError) => error.fullMessage): void {
  if (errors.length === 0) return;
  const only = (type: string) => errors.every((error) => error.type === type);
  const code = only('NOT_FOUND') ? 'NOT_FOUND' : only('FORBIDDEN') ? 'FORBIDDEN' : 'REFUSED';
  throw new RuntimeError(code, errors.map(format).join('\n'));
}

interface GraphqlResult {
  data?: Answer;
  errors?: { message: string; extensions?: { code?: string; retryAfterSeconds?: number } }[];
}

function authenticationOf(header: string, token: string): Record<string, string> {
  const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*\{token\}.*)$/.exec(header) ?? [];
  if (name && value) return { [name]: value.replace('{token}', () => token) };
  throw new RuntimeError(
    'HEADER_INVALID',
    `The header ${JSON.stringify(header)} has no placeholder for the token`,
    'Write a header like `Authorization: Bearer {token}` or `X-Api-Key: {token}`.',
  );
}

type Send = NonNullable<ClientOptions['send']>;

async function post(
  send: Send,
  url: string,
  authentication: Record<string, string>,
  body: object,
): Promise<{ status: number; answer: GraphqlResult }> {
  const request = new Request(url, {
    method: 'POST',
    // Redirects aren't followed, because they would send the token to another host.
    redirect: 'manual',
    headers: { ...authentication, 'content-type': 'application/json', accept: 'application/json' },
    body: stringifyJson(body),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  const response = await send(request).catch((cause: Error) => {
    throw unreachable(url, cause);
  });
  const text = await response.text();
  try {
    return { status: response.status, answer: parseJson(text) as GraphqlResult };
  } catch (cause) {
    throw new RuntimeError(
      'API_UNUSABLE',
      `${url} answered with status ${response.status} and a body that is not JSON, unlike a Hookgraph API`,
      HINT,
      { cause },
    );
  }
}

/** Explains a failed request. Distinguishes a server without TLS, a server with only TLS, and a server that doesn't respond. */
function unreachable(url: string, cause: Error): RuntimeError {
  const { message, code = '' } = (cause.cause ?? {}) as { message?: string; code?: string };
  const base = url.replace(new RegExp(`${API_PATH}$`), '');
  if (url.startsWith('https:') && /wrong version number|packet length too long/.test(message ?? ''))
    return new RuntimeError(
      'API_UNREACHABLE',
      `The server at ${url} does not speak TLS`,
      `Did you mean ${base.replace(/^https/, 'http')}?`,
      {
        cause,
      },
    );
  if (url.startsWith('http:') && /^(UND_ERR_SOCKET|ECONNRESET|HPE_)/.test(code))
    return new RuntimeError(
      'API_UNREACHABLE',
      `The server at ${url} closed the connection without an answer`,
      `If it speaks TLS, write ${base.replace(/^http/, 'https')}.`,
      { cause },
    );
  return new RuntimeError('API_UNREACHABLE', `No server answers at ${url}: ${message || cause.message}`, HINT, { cause });
}

const HINT = 'Start Hookgraph with `npm start`, or set another URL with `hookgraph login --url …` or HOOKGRAPH_URL.';

function refusalOf(url: string, status: number, code: string | undefined, message: string): RuntimeError {
  if (status === 401 || code === 'UNAUTHENTICATED')
    return new RuntimeError('NOT_AUTHENTICATED', `${url} rejected the token: ${message}`, 'Log in with `hookgraph login`.');
  return new RuntimeError(code === 'RATE_LIMITED' ? code : 'API_REFUSED', message);
}
