// Sends operations to the API, and turns every kind of failure into one error with a sentence for people.
import type { TadaDocumentNode } from 'gql.tada';
import { parseJson, printJson } from '../kit/exact-json';
import { config } from './config';
import { textOf } from './graphql';

/** Why an operation failed. `SIGNED_OUT`: the session has ended. `BUSY`: too many requests; retry after `retryMs`. */
export type FailureKind = 'NETWORK' | 'SIGNED_OUT' | 'BUSY' | 'REFUSED' | 'SERVER';

export class ApiError extends Error {
  override name = 'ApiError';
  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly retryMs = 0,
  ) {
    super(message);
  }
}

interface Answer<Result> {
  data?: Result | null;
  errors?: { message: string; extensions?: { code?: string; retryAfterSeconds?: number } }[];
}

/** @throws ApiError */
export async function send<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  const { status, answer } = await post<Answer<Result>>(config.endpoint, { query: textOf(document), variables }, signal);
  const [error] = answer?.errors ?? [];
  if (status === 401) throw new ApiError('SIGNED_OUT', error?.message ?? 'You are not signed in.');
  if (status === 429)
    throw new ApiError('BUSY', error?.message ?? 'Too many requests.', (error?.extensions?.retryAfterSeconds ?? 1) * 1000);
  if (error) throw new ApiError('REFUSED', error.message);
  if (status >= 400 || !answer?.data) throw new ApiError('SERVER', `The API answered with the status ${status}.`);
  return answer.data;
}

/** Sends JSON and reads JSON; `answer` is `null` when the response isn't JSON. @throws ApiError `NETWORK` */
export async function post<T>(path: string, body: object, signal?: AbortSignal): Promise<{ status: number; answer: T | null }> {
  return request<T>(path, {
    method: 'POST',
    body: printJson(body),
    headers: { 'content-type': 'application/json' },
    signal: signal ?? null,
  });
}

/** @throws ApiError `NETWORK` */
export async function request<T>(path: string, init: RequestInit = {}): Promise<{ status: number; answer: T | null }> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...init });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new ApiError('NETWORK', 'The server can’t be reached. Is it running?');
  }
  const read = async () => parseJson(await response.text()) as T;
  return { status: response.status, answer: await read().catch(() => null) };
}
