// Rehearses a draft on stored events of its topic, and compares it with the live version. Saves and sends nothing.
import type { Compilable, Compiled } from '../../base/compiled.js';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import type { Actor } from '../../base/model.js';
import { OWNER_GONE_PROBLEM } from '../../base/owner-gone.js';
import { lastEventsOf } from '../../base/store/recorded-events.js';
import { compileDefinition } from '../../compile-definition.js';
import { fitsTopic } from '../find-node.js';
import { compileDraft, NO_DELIVERY, readDraft, withoutMistakes } from '../preview.js';
import { isMistake, NOT_FOUND, type SubscriptionInput } from '../save.js';
import { changesOf } from './body-changes.js';
import { inPage, loadForRehearsal, MAX_REHEARSED, type Rehearsal, type RehearsedEvent, rehearseOne } from './rehearse.js';

export interface DraftRehearsal {
  problems: Problem[];
  /** `null` when the draft has mistakes, or can't be rehearsed: see `problems`. */
  rehearsal: Rehearsal | null;
}

/** The fields without which a draft can't be rehearsed. A missing destination doesn't matter, because nothing is sent. */
const NEEDED: ReadonlySet<string> = new Set(['topic', 'query', 'validationTemplate', 'template', 'phase']);

const refused = (...problems: Problem[]): DraftRehearsal => ({ problems, rehearsal: null });

/**
 * Rehearses `input`, or the saved subscription `id` with `input` applied over it, on the newest events that match it, newest first. The
 * live version is the saved subscription, if it has the same topic.
 * @throws TemplateError `busy` when no render process was free
 */
export async function rehearseDraft(
  engine: Engine,
  actor: Actor,
  { id, input, first, after }: { id: string | null; input: SubscriptionInput; first: number; after: string | null },
): Promise<DraftRehearsal> {
  const draft = await readDraft(engine, actor, id, input);
  if (!draft) return refused(NOT_FOUND);
  const { before, topic, problems, definition, secrets, environmentIds } = draft;
  const mistakes = problems.filter(isMistake);
  if (!topic || mistakes.some(({ field }) => NEEDED.has(field))) return refused(...problems);
  if (definition.before) return refused({ field: 'phase', message: 'a before-hook receives no events, so there is nothing to try it on' });
  const openOwner = await engine.host.contextFor(actor);
  if (!openOwner) return refused(OWNER_GONE_PROBLEM);
  const compiled = await compileDraft(engine, {
    id: before?.subscription.id ?? null,
    actor,
    topic,
    definition: withoutMistakes(definition, mistakes),
    secrets,
  });
  const live = before && before.subscription.topicId === topic.id ? await compileLive(engine, { ...before, topic }) : null;
  const page = await lastEventsOf(engine.pool, {
    ...{ tenant: actor.tenant, topicId: topic.id, fits: fitsTopic(), after, limit: Math.min(first, MAX_REHEARSED) },
    ...{ environmentIds: environmentIds ?? null, coalesces: definition.coalescing !== 'NONE' },
  });
  const at = new Date();
  const loadedOf = await loadForRehearsal(engine, page.events, live ? [compiled, live] : [compiled]);
  const events = await inPage(page.events, async (event): Promise<RehearsedEvent> => {
    const { id: eventId, typename, nodeKey } = event;
    const subject = { id: NO_DELIVERY, kind: 'LIVE' as const, eventId, typename, nodeKey, at };
    const run = (definition: Compiled, isTrial: boolean) =>
      rehearseOne(engine, definition, { subject, loaded: loadedOf(event), openOwner, isTrial });
    const ended = await run(compiled, true);
    const was = live && (await run(live, false));
    const changes = was?.body != null && ended.body !== null ? changesOf(was.body, ended.body) : null;
    return { eventId, ...ended, code: null, before: was, changes };
  });
  const last = events.at(-1)?.eventId;
  const isCut = events.length < page.events.length && last !== undefined;
  return {
    problems,
    rehearsal: isCut ? { events, position: last, hasNext: true } : { events, position: page.position, hasNext: page.hasNext },
  };
}

/** Returns `null` when the live version no longer compiles, so that there is nothing to compare the draft with. */
async function compileLive(engine: Engine, live: Compilable): Promise<Compiled | null> {
  const compiled = await compileDefinition(engine, live);
  return 'broken' in compiled ? null : compiled;
}
