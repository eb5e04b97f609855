// Judges the stored responses to successful deliveries by a new error template: which of them it would call failures. Saves nothing.
import type { Compiled } from '../../base/compiled.js';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import type { Actor, Attempt, Delivery } from '../../base/model.js';
import { OWNER_GONE_PROBLEM } from '../../base/owner-gone.js';
import { openContext } from '../../base/recall.js';
import { attemptsByIds, lastAttemptsOf } from '../../base/store/attempts.js';
import { listDeliveries } from '../../base/store/deliveries.js';
import { findEvent } from '../../payload/find-data.js';
import { onlyAttempt } from '../../stages.js';
import { judge } from '../../verdict/judge.js';
import { readError } from '../../verdict/read-error.js';
import { compileDraft, readDraft } from '../preview.js';
import { isMistake, NOT_FOUND } from '../save.js';
import { inPage, loadForRehearsal, MAX_REHEARSED, type OpenOwner } from './rehearse.js';

export interface JudgedAnswer {
  delivery: Delivery;
  /** `UNKNOWN`: the response is not stored as it was received. */
  outcome: 'DELIVERED' | 'FAILED' | 'UNKNOWN';
  message: string | null;
}

export interface ErrorTemplateRehearsal {
  problems: Problem[];
  /** Newest first. */
  answers: JudgedAnswer[];
  /** The id of the delivery after which the next page begins. */
  position: string | null;
  hasNext: boolean;
}

export interface ErrorTemplateQuestion {
  subscriptionId: string;
  errorTemplate: string;
  from: Date | null;
  to: Date | null;
  first: number;
  after: string | null;
}

const refused = (...problems: Problem[]): ErrorTemplateRehearsal => ({ problems, answers: [], position: null, hasNext: false });

/**
 * Judges the last answers to a page of the subscription's deliveries that succeeded.
 * @throws TemplateError `busy` when no render process was free to parse the template
 */
export async function rehearseErrorTemplate(
  engine: Engine,
  actor: Actor,
  { subscriptionId, errorTemplate, from, to, first, after }: ErrorTemplateQuestion,
): Promise<ErrorTemplateRehearsal> {
  const draft = await readDraft(engine, actor, subscriptionId, { errorTemplate });
  if (!draft?.before || !draft.topic) return refused({ ...NOT_FOUND, field: 'webhookSubscriptionId' });
  const { before, topic, problems, secrets } = draft;
  const mistakes = problems.filter(({ field }) => field === 'errorTemplate');
  if (mistakes.some(isMistake)) return refused(...mistakes);
  const openOwner = await engine.host.contextFor(actor);
  if (!openOwner) return refused(OWNER_GONE_PROBLEM);
  // Only the error template runs, so the others need not compile.
  const { definition } = before.subscription;
  const only = { ...definition, query: null, validationTemplate: null, template: null, errorTemplate };
  const compiled = await compileDraft(engine, { id: before.subscription.id, actor, topic, definition: only, secrets });
  const filter = { states: ['DELIVERED' as const], createdAtMin: from, createdAtMax: to };
  const page = { limit: Math.min(first, MAX_REHEARSED), backward: false, after, before: null };
  const { rows, hasNextPage } = await listDeliveries(engine.pool, actor, [before.subscription.id], filter, page);
  const last = await lastAttemptsOf(
    engine.pool,
    actor,
    rows.map(({ id }) => id),
  );
  const attempts = await attemptsByIds(
    engine.pool,
    actor,
    [...last.values()].map(({ id }) => id),
  );
  const eventOf = await eventsOf(engine, compiled, rows, openOwner);
  const answers = await inPage(rows, async (delivery): Promise<JudgedAnswer> => {
    const attempt = attempts.get(last.get(delivery.id)?.id ?? '');
    return { delivery, ...(await judgeStored(engine, compiled, attempt?.response ?? null, () => eventOf(delivery))) };
  });
  return {
    problems: mistakes,
    answers,
    position: answers.at(-1)?.delivery.id ?? null,
    hasNext: hasNextPage || answers.length < rows.length,
  };
}

async function judgeStored(
  engine: Engine,
  compiled: Compiled,
  response: Attempt['response'],
  event: () => Promise<string | null>,
): Promise<Pick<JudgedAnswer, 'outcome' | 'message'>> {
  if (response?.body == null || response.bytes != null)
    return { outcome: 'UNKNOWN', message: 'The response is not stored as it was received.' };
  const names = Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const answer = { kind: 'REPLY' as const, status: response.status, headers: Object.fromEntries(names), body: response.body };
  // The watch makes this a trial: the slow process renders it, so that no delivery waits for it.
  const read = await readError(engine, compiled, answer, await event(), () => {});
  const { outcome, message } = judge(answer, read, compiled.retry, onlyAttempt(), compiled);
  return { outcome: outcome === 'DELIVERED' ? 'DELIVERED' : 'FAILED', message };
}

/** Returns a function that builds the event of a delivery for the template; `null` when the template doesn't read it. */
async function eventsOf(
  engine: Engine,
  compiled: Compiled,
  deliveries: readonly Delivery[],
  openOwner: OpenOwner,
): Promise<(delivery: Delivery) => Promise<string | null>> {
  if (compiled.event === null) return async () => null;
  const keys = deliveries.flatMap(({ eventId, typename, nodeKey }) => (eventId === null ? [] : [{ id: eventId, typename, nodeKey }]));
  const loadedOf = await loadForRehearsal(engine, keys, [compiled]);
  return async ({ eventId, typename, nodeKey }) => {
    const loaded = loadedOf({ id: eventId ?? '', typename, nodeKey });
    const found = await findEvent(engine, compiled, nodeKey, {
      ...loaded,
      open: (overlay) => openContext(engine.host, openOwner, overlay),
    });
    return typeof found === 'string' ? found : null;
  };
}
