// Finds the request that was sent before about an event, from which a replay takes its body or its data.
import type { Pool } from 'pg';
import { sqlStatement } from '../../runtime/sql-file.js';
import type { DeliveryKind, ReplayMode } from '../base/model.js';
import { type RecordedRequest, requestsByIds } from '../base/store/attempts.js';
import type { ReplayObstacle } from '../base/store/delivery-state.js';
import { replayModes } from '../base/store/replays.js';

const PAST = sqlStatement<'event_ids' | 'subscription_ids' | 'before'>('webhooks/payload/past-requests.sql');
const GREATEST_ID = '9223372036854775807';

/** The earlier request about an event. `body` is exactly what was sent; `null` if it was masked or not stored. */
export interface PastRequest {
  deliveryId: string;
  kind: DeliveryKind;
  sentAt: Date;
  headers: Record<string, string>;
  body: string | null;
  contentType: 'application/json' | 'application/xml';
  /** The query's result as JSON; `null` when it is not stored. */
  data: string | null;
  /** Why this request can't be the source of a replay in each mode; `null` when it can. */
  obstacles: Record<Exclude<ReplayMode, 'NEW_PAYLOAD'>, ReplayObstacle | null>;
}

export interface WantedPast {
  subscriptionId: string;
  eventId: string;
  /** Only attempts with smaller ids, e.g. attempts from before a replay; `null`: all attempts. */
  before: string | null;
}

/** Finds the newest request about each event, in three statements, in the order of `wanted`. A text says why there is no request. */
export async function loadPast(pool: Pool, wanted: readonly WantedPast[]): Promise<(PastRequest | 'NEVER_SENT' | 'NOT_KEPT')[]> {
  if (wanted.length === 0) return [];
  const values = PAST.values({
    event_ids: wanted.map(({ eventId }) => eventId),
    subscription_ids: wanted.map(({ subscriptionId }) => subscriptionId),
    before: wanted.map(({ before }) => before ?? GREATEST_ID),
  });
  const { rows } = await pool.query<{ attemptId: string | null; deliveryId: string; kind: DeliveryKind; isGone: boolean }>(
    PAST.text,
    values,
  );
  const requests = await requestsByIds(
    pool,
    rows.flatMap(({ attemptId }) => attemptId ?? []),
  );
  return rows.map(({ attemptId, deliveryId, kind, isGone }) => {
    if (attemptId === null) return isGone ? 'NOT_KEPT' : 'NEVER_SENT';
    const recorded = requests.get(attemptId);
    return recorded ? { deliveryId, kind, ...pastOf(recorded) } : 'NOT_KEPT';
  });
}

function pastOf({ request, startedAt, contentType, hasTemplate }: RecordedRequest): Omit<PastRequest, 'deliveryId' | 'kind'> {
  const isMasked = request.body !== null && request.bytes != null;
  const body = isMasked ? null : request.body;
  const missing = isMasked
    ? 'MASKED'
    : body !== null
      ? null
      : request.omitted == null || request.omitted === 'DELETED'
        ? 'NOT_KEPT'
        : 'NOT_RECORDED';
  const data = request.data ?? (hasTemplate || body === null ? null : dataIn(body));
  return {
    ...{ sentAt: startedAt, headers: request.headers, body, data },
    contentType: contentType === 'XML' ? 'application/xml' : 'application/json',
    obstacles: { SENT_BYTES: missing, STORED_PAYLOAD: data === null ? (missing ?? 'NO_PAYLOAD') : null },
  };
}

/** Returns the data in a JSON body that no template made: `{"data":…}`. Returns `null` for XML, which has lost the types of its values. */
const dataIn = (body: string): string | null => (body.startsWith('{"data":') && body.endsWith('}') ? body.slice(8, -1) : null);

/** The mode of a replay and, except for NEW_PAYLOAD, the earlier request; or the reason why there is nothing to send. */
export type Replayed =
  | { mode: 'NEW_PAYLOAD' }
  | { mode: Exclude<ReplayMode, 'NEW_PAYLOAD'>; past: PastRequest }
  | { obstacle: ReplayObstacle };

interface ReplayedDelivery {
  id: string;
  subscriptionId: string;
  eventId: string | null;
  replayId: string | null;
}

/** Loads what the deliveries of replays in a batch send, by delivery id, in at most four statements; in none if the batch has none. */
export async function loadReplayed(pool: Pool, batch: readonly ReplayedDelivery[]): Promise<Map<string, Replayed>> {
  const replayed = batch.filter(({ replayId, eventId }) => replayId !== null && eventId !== null);
  if (replayed.length === 0) return new Map();
  const modes = await replayModes(pool, [...new Set(replayed.map(({ replayId }) => replayId as string))]);
  const modeOf = ({ replayId }: ReplayedDelivery): ReplayMode => modes.get(replayId as string) ?? 'NEW_PAYLOAD';
  const repeated = replayed.filter((delivery) => modeOf(delivery) !== 'NEW_PAYLOAD');
  const found = await loadPast(
    pool,
    repeated.map(({ subscriptionId, eventId, replayId }) => ({ subscriptionId, eventId: eventId as string, before: replayId })),
  );
  const result = new Map<string, Replayed>(replayed.map(({ id }) => [id, { mode: 'NEW_PAYLOAD' }]));
  for (const [index, delivery] of repeated.entries()) result.set(delivery.id, replayedOf(modeOf(delivery), found[index]));
  return result;
}

/** Returns what a replay in this mode sends about an event. */
export function replayedOf(mode: ReplayMode, past: PastRequest | 'NEVER_SENT' | 'NOT_KEPT' | undefined): Replayed {
  if (mode === 'NEW_PAYLOAD') return { mode };
  if (typeof past !== 'object') return { obstacle: past ?? 'NEVER_SENT' };
  const obstacle = past.obstacles[mode];
  return obstacle === null ? { mode, past } : { obstacle };
}
