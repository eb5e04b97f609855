// Rehearses a replay: shows which notifications would be sent, skipped, changed since the last request, or impossible.
import type { Engine } from '../../base/engine.js';
import type { Actor } from '../../base/model.js';
import { OWNER_GONE } from '../../base/owner-gone.js';
import { eventsByIds, type VisibleEvent } from '../../base/store/deliveries.js';
import { REPLAY_OBSTACLES, type ReplayObstacle } from '../../base/store/delivery-state.js';
import { loadForSending } from '../../base/store/subscriptions.js';
import { compileDefinition } from '../../compile-definition.js';
import { listReplay } from '../../fan-out/count-replay.js';
import type { PayloadSubject } from '../../payload/build-payload.js';
import { loadPast, type PastRequest, replayedOf } from '../../payload/load-past.js';
import type { ReplayDryRun } from '../replay.js';
import { type BodyChange, changesOf } from './body-changes.js';
import { inPage, loadForRehearsal, MAX_REHEARSED, type Rehearsal, type RehearsedEvent, rehearseOne } from './rehearse.js';

/** Stands for the delivery's id, for an event about which no request was sent before. */
const NO_DELIVERY = '0';

/**
 * Rehearses the next events of a replay. Templates read the id and the time of the earlier request, so that a body differs only if
 * something else has changed.
 * @throws TemplateError `busy` when no render process was free
 */
export async function rehearseReplay(
  engine: Engine,
  actor: Actor,
  { range, mode }: Pick<ReplayDryRun, 'range' | 'mode'>,
  { first, after }: { first: number; after: string | null },
): Promise<Rehearsal> {
  const { subscriptionId } = range;
  const page = await listReplay(engine.pool, range, { after, limit: Math.min(first, MAX_REHEARSED) });
  const [found, pasts, sendables, openOwner] = await Promise.all([
    eventsByIds(engine.pool, actor, page.eventIds),
    loadPast(
      engine.pool,
      page.eventIds.map((eventId) => ({ subscriptionId, eventId, before: null })),
    ),
    loadForSending(engine, [subscriptionId]),
    engine.host.contextFor(actor),
  ]);
  const sendable = sendables.get(subscriptionId);
  const compiled = sendable && (await compileDefinition(engine, sendable));
  const broken = compiled === undefined ? UNREADABLE : 'broken' in compiled ? compiled.broken : openOwner ? null : OWNER_GONE.message;
  const events = page.eventIds.flatMap((id, index) => {
    const event = found.get(id);
    return event ? [{ event, past: pasts[index] as Past }] : [];
  });
  const position = { position: page.position, hasNext: page.hasNext };
  if (!compiled || 'broken' in compiled || !openOwner)
    return { ...position, events: events.map(({ event, past }) => unbuilt(event, past, { message: broken })) };
  const loadedOf = await loadForRehearsal(
    engine,
    events.map(({ event }) => event),
    [compiled],
  );
  const rehearsed = await inPage(events, async ({ event, past }): Promise<RehearsedEvent> => {
    const replayed = replayedOf(mode, past);
    if ('obstacle' in replayed) return unbuilt(event, past, { code: replayed.obstacle, message: REPLAY_OBSTACLES[replayed.obstacle] });
    const known = typeof past === 'object' ? { id: past.deliveryId, kind: past.kind, at: past.sentAt } : NEVER;
    const { id: eventId, typename, nodeKey } = event;
    const subject: PayloadSubject = { ...known, eventId, typename, nodeKey, replayed };
    const ended = await rehearseOne(engine, compiled, { subject, loaded: loadedOf(event), openOwner });
    const before = beforeOf(past);
    const changes = before?.body != null && ended.body !== null ? changesOf(before.body, ended.body).filter(isNoTime(subject.at)) : null;
    return { eventId, ...ended, code: null, before, changes };
  });
  const last = rehearsed.at(-1)?.eventId;
  const isCut = rehearsed.length < events.length && last !== undefined;
  return isCut ? { events: rehearsed, position: last, hasNext: true } : { events: rehearsed, ...position };
}

/** Milliseconds that an attempt can take to render its templates after it began. */
const RENDERED_MS = 60_000;

/** Returns a function that is false for a difference that is only the time of the attempt. */
function isNoTime(at: Date | undefined): (change: BodyChange) => boolean {
  const now = at && JSON.stringify(at);
  return ({ before, after }) => {
    if (!at || before === null || after !== now || !/^"[^"\\]{24}"$/.test(before)) return true;
    const laterMs = Date.parse(before.slice(1, -1)) - at.getTime();
    return !(laterMs >= 0 && laterMs <= RENDERED_MS);
  };
}

const UNREADABLE = 'The subscription could not be loaded; the log of this installation says why.';
const NEVER = { id: NO_DELIVERY, kind: 'REPLAY' as const };

type Past = PastRequest | 'NEVER_SENT' | 'NOT_KEPT';

/** Returns the request that was sent before; its body is `null` when it isn't stored as it was sent. */
const beforeOf = (past: Past): RehearsedEvent['before'] =>
  typeof past === 'object' ? { outcome: 'SENT', stage: null, message: null, body: past.body } : null;

function unbuilt(
  { id: eventId }: Pick<VisibleEvent, 'id'>,
  past: Past,
  { code = null, message }: { code?: ReplayObstacle | null; message: string | null },
): RehearsedEvent {
  const outcome = code === null ? 'FAILED' : 'IMPOSSIBLE';
  return { eventId, outcome, code, stage: null, message, body: null, before: beforeOf(past), changes: null };
}
