// Runs the preview while somebody types: waits for a pause, and keeps the previous result until the next one comes.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { send } from '../../app/api';
import type { ResultOf } from '../../app/graphql';
import type { Input } from './input.js';
import { PREVIEW } from './operations';

type Payload = NonNullable<ResultOf<typeof PREVIEW>['previewWebhookSubscription']>;
export type Report = NonNullable<Payload['report']>;
export type StageReport = Report['stages'][number];

export interface Preview extends Payload {
  /** The input that this preview judged. */
  input: Input;
}

/** Milliseconds without typing after which the preview runs. */
const PAUSE_MS = 300;

export interface Sample {
  status: string;
  headers: string;
  body: string;
}

export interface PreviewQuestion {
  input: Input;
  /** `null`: the newest node. */
  nodeId: string | null;
  sample: Sample;
  /** An attempt whose stored response takes the place of the sample. */
  attemptId: string | null;
}

export interface PreviewState {
  preview: Preview | null;
  /** Why the preview could not run. */
  failure: string | null;
  /** The shown result is older than what is in the form. */
  isOld: boolean;
}

export function usePreview(question: PreviewQuestion): PreviewState {
  const written = JSON.stringify(question);
  const paused = usePaused(written);
  const { data, error, isPlaceholderData, isFetching } = useQuery({
    queryKey: ['preview', paused],
    queryFn: ({ signal }) => run(JSON.parse(paused), signal),
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    gcTime: 60_000,
    retry: 1,
  });
  const isOld = written !== paused || isPlaceholderData || isFetching;
  // The same state is the same object, so that the pane renders only when it changes.
  return useMemo(() => ({ preview: data ?? null, failure: error?.message ?? null, isOld }), [data, error, isOld]);
}

async function run({ input, nodeId, sample, attemptId }: PreviewQuestion, signal: AbortSignal): Promise<Preview> {
  const response =
    attemptId === null ? { status: Number(sample.status) || 200, headers: headersOf(sample.headers), body: sample.body } : null;
  const answer = await send(PREVIEW, { webhookSubscription: input as never, nodeId, response, attemptId }, signal);
  return { ...answer.previewWebhookSubscription, input };
}

/** Reads lines such as `X-Result: 1`. */
function headersOf(text: string): Record<string, string> {
  const lines = text.split('\n').map((line) => /^\s*([^:\s]+)\s*:\s*(.*?)\s*$/.exec(line));
  return Object.fromEntries(lines.flatMap((found) => (found?.[1] ? [[found[1], found[2] ?? '']] : [])));
}

/** Returns the text once it has stayed the same for a moment. */
function usePaused(text: string): string {
  const [paused, setPaused] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return paused;
}
