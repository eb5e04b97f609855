// Reads and changes data: hooks over React Query, which caches answers, and polls while the page is visible.
import { keepPreviousData, QueryClient, type UseQueryResult, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { TadaDocumentNode } from 'gql.tada';
import { useRef } from 'react';
import { notify } from '../kit/toast';
import { ApiError, send } from './api';
import { textOf } from './graphql';
import { endSession } from './session';

/** Milliseconds between two requests of a list that shows what is happening now. */
export const LIVE_MS = 2_000;
/** Milliseconds between two requests of what changes slowly, such as statistics. */
export const SLOW_MS = 15_000;

const RETRIES = 2;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (count, error) => count < RETRIES && error instanceof ApiError && ['NETWORK', 'BUSY', 'SERVER'].includes(error.kind),
      retryDelay: (count, error) => Math.max(error instanceof ApiError ? error.retryMs : 0, 500 * 2 ** count),
    },
  },
});

export interface ReadOptions {
  /** Milliseconds between two requests while the page is visible. Default: only once. */
  poll?: number;
  /** Whether to show the previous answer while the variables change. Default: yes. */
  keep?: boolean;
  enabled?: boolean;
}

/** How to continue a search that ended before its page was full. */
export interface Further<Result, Variables> {
  /** Returns the variables of the request that continues the search; `null` when the page is full or nothing is left. */
  next(read: Result): Partial<Variables> | null;
  join(read: Result, further: Result): Result;
}

/** Maximum number of requests for one page. After them, the user must continue the search. */
const MOST_REQUESTS = 40;

/** Reads an operation's answer. */
export function useApi<Result, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  variables: Variables,
  { poll, keep = true, enabled = true, further }: ReadOptions & { further?: Further<Result, Variables> } = {},
): UseQueryResult<Result> {
  const tookMs = useRef(0);
  const read = async (signal: AbortSignal): Promise<Result> => {
    const startedAt = performance.now();
    let result = (await send(document, variables, signal)) as Result;
    for (let count = 1; further && count < MOST_REQUESTS; count++) {
      const next = further.next(result);
      if (next === null) break;
      result = further.join(result, (await send(document, { ...variables, ...next }, signal)) as Result);
    }
    tookMs.current = performance.now() - startedAt;
    return result;
  };
  return useQuery({
    queryKey: [textOf(document), variables],
    queryFn: ({ signal }) => endingSession(read(signal)),
    // A slow answer is asked for less often, so that an open page never occupies the server.
    ...(poll && { refetchInterval: () => Math.max(poll, 9 * tookMs.current) }),
    ...(keep && { placeholderData: keepPreviousData as never }),
    enabled,
  }) as UseQueryResult<Result>;
}

/** A mistake that a mutation reports. */
export interface Mistake {
  field: string;
  fullMessage: string;
  message: string;
  path: string[];
  place?: { line: number; column: number } | null;
  type: string;
}

/** The result of a mutation. `data` is `null` when it could not be sent, or failed as a whole; a toast has then said so. */
export interface Acted<Result> {
  data: Result | null;
  errors: Mistake[];
  ok: boolean;
}

/**
 * Sends a mutation when `run` is called. Afterwards all visible data is read again. Mistakes are shown in a toast unless
 * `showsMistakes` is set, for a form that shows each at its field.
 */
export function useAct<Result extends object, Variables>(
  document: TadaDocumentNode<Result, Variables>,
  { showsMistakes = false }: { showsMistakes?: boolean } = {},
): { run(variables: Variables): Promise<Acted<Result>>; isRunning: boolean } {
  const client = useQueryClient();
  const mutation = useMutation({ mutationFn: (variables: Variables) => endingSession(send(document, variables)) });
  return {
    isRunning: mutation.isPending,
    async run(variables) {
      try {
        const data = await mutation.mutateAsync(variables);
        const errors = Object.values(data).flatMap((payload) => (payload as { errors?: Mistake[] } | null)?.errors ?? []);
        if (errors.length > 0 && !showsMistakes) notify({ tone: 'bad', text: errors.map(({ fullMessage }) => fullMessage).join(' ') });
        if (errors.length === 0) void client.invalidateQueries();
        return { data, errors, ok: errors.length === 0 };
      } catch (error) {
        notify({ tone: 'bad', text: (error as Error).message });
        return { data: null, errors: [], ok: false };
      }
    },
  };
}

async function endingSession<T>(sent: Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    if (error instanceof ApiError && error.kind === 'SIGNED_OUT') endSession(error.message);
    throw error;
  }
}
