// A definition, saved or not, and a node -> the report of every stage up to the request that would be sent. Saves and sends nothing.
import { compileDefinition } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, Definition } from '../base/model.js';
import { REPORT_STAGES, type ReportStage, type StageReport } from '../base/report.js';
import { loadUnsealed } from '../base/store/subscriptions.js';
import { buildPayload } from '../payload/build-payload.js';
import { compose } from '../send-delivery.js';
import type { AttemptRecord } from '../verdict/attempt-result.js';
import { findLastNode, findNode } from './find-node.js';
import { checkDraft } from './save/check-draft.js';
import { checkPhase } from './save/check-phase.js';
import { checkReferences } from './save/check-references.js';
import { splitDraft, toDraft } from './save/input.js';
import { checkedTopic, isMistake, NOT_ALLOWED, NOT_FOUND, type SubscriptionInput } from './save.js';
import { inOrder, notRun, OWNER_GONE, refused, type TryResult } from './try-result.js';

/** The ids in the request of a preview, where nothing is saved and nothing sent. */
const NO_SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
const NO_DELIVERY = '0';

/**
 * Of a definition that isn't saved, or of the saved one `id` with the input over it; on the node of this global id, or else the
 * last one. Saves and sends nothing; a stage whose source has a mistake fails, and the others are tried all the same.
 */
export async function previewSubscription(
  engine: Engine,
  actor: Actor,
  { id, input, nodeId }: { id: string | null; input: SubscriptionInput; nodeId: string | null },
): Promise<TryResult> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const before = id === null ? null : await loadUnsealed(engine.pool, engine.vault, actor, id);
  if (id !== null && !before) return refused(NOT_FOUND);
  const { topic, problems } = await checkedTopic(engine, input, before?.subscription.topicId ?? null);
  const draft = toDraft(input, before && { ...before.subscription, secrets: before.secrets }, engine.settings);
  problems.push(
    ...(await checkDraft(engine, actor.tenant, draft, topic?.typename ?? '')),
    ...(await checkPhase(engine, actor, input, draft, topic, id)),
    ...(await checkReferences(engine, actor, draft, before?.subscription ?? null)),
  );
  if (!topic) return refused(...problems);
  const found = await (nodeId === null ? findLastNode(engine, actor, topic) : findNode(engine, actor, topic, nodeId));
  if ('problem' in found) return refused(...problems, found.problem);
  const { node } = found;
  const context = (await engine.host.contextFor(actor))?.(node.overlay);
  if (!context) return refused(OWNER_GONE);

  const started = performance.now();
  const { definition, secrets } = splitDraft(draft);
  const mistakes = problems.filter(isMistake);
  const compiled = await compileDefinition(engine, {
    subscription: {
      id: before?.subscription.id ?? NO_SUBSCRIPTION,
      version: 0,
      tenant: actor.tenant,
      owner: actor.userId,
      definition: withoutMistakes(definition, mistakes),
    },
    topic,
    secrets,
  });
  if ('broken' in compiled) throw new Error(`A definition without mistakes does not compile: ${compiled.broken}`);
  const told = new Map<ReportStage, StageReport>();
  const watch = (report: StageReport) => void told.set(report.stage, report);
  // Without its query there is nothing to render.
  const payload = mistakes.some(({ field }) => field === 'query')
    ? null
    : await buildPayload(engine, compiled, { ...node, id: NO_DELIVERY, kind: 'TEST' }, () => context, watch);
  const blocked = mistakes.some((mistake) => BLOCKING.includes(sourceOf(mistake)));
  let sent: AttemptRecord['request'] = null;
  if (payload?.outcome === 'READY' && !blocked) {
    const { typename, nodeKey } = node;
    sent = compose(engine, compiled, { deliveryId: NO_DELIVERY, typename, nodeKey, eventId: null }, payload.body).recorded;
    told.set('SEND', { ...notRun('SEND'), input: sent });
  }
  if (compiled.auth) told.set('AUTH', notRun('AUTH'));
  for (const stage of REPORT_STAGES) {
    const own = mistakes.filter((mistake) => sourceOf(mistake) === stage).map(({ message }) => message);
    if (own.length > 0)
      told.set(stage, { ...(told.get(stage) ?? notRun(stage)), outcome: 'FAILED', output: null, message: own.join('\n') });
  }
  const stages = inOrder([...told.values()]);
  const failed = stages.find(({ outcome }) => outcome === 'FAILED');
  const skipped = stages.find(({ outcome }) => outcome === 'SKIPPED');
  const ended = failed ?? skipped;
  return {
    problems,
    report: {
      typename: node.typename,
      nodeKey: node.nodeKey,
      outcome: failed ? 'FAILED' : skipped ? 'SKIPPED' : 'READY',
      stage: ended ? (ended.stage === 'SEND' ? 'ADDRESS' : ended.stage) : null,
      message: ended?.message ?? null,
      stages,
      request: sent,
      response: null,
      durationMs: performance.now() - started,
    },
    deliveryId: null,
  };
}

/** The stage that fails where a field of the definition has a mistake. */
const SOURCES: Record<string, ReportStage> = {
  query: 'QUERY',
  validationTemplate: 'VALIDATION',
  template: 'TEMPLATE',
  errorTemplate: 'ERROR_TEMPLATE',
  callbackUrl: 'SEND',
  sns: 'SEND',
  headers: 'SEND',
  sharedSecret: 'SEND',
  auth: 'AUTH',
  signatures: 'SEND',
};

const sourceOf = ({ field }: Problem): ReportStage | undefined => SOURCES[field.split('.')[0] ?? ''];

/** Where one of these fails there is no request. */
const BLOCKING: (ReportStage | undefined)[] = ['QUERY', 'TEMPLATE', 'AUTH', 'SEND'];

/** So that the rest of it compiles. */
function withoutMistakes(definition: Definition, mistakes: Problem[]): Definition {
  const wrong = new Set(mistakes.map(({ field }) => field));
  const text = (field: 'query' | 'validationTemplate' | 'template' | 'errorTemplate') => (wrong.has(field) ? null : definition[field]);
  const nowhere = mistakes.some((mistake) => ['callbackUrl', 'sns'].includes(mistake.field.split('.')[0] ?? ''));
  const { sns, ...rest } = definition;
  return {
    ...rest,
    ...(nowhere ? { callbackUrl: 'https://invalid.invalid/' } : { ...(sns && { sns }) }),
    query: text('query'),
    validationTemplate: text('validationTemplate'),
    template: text('template'),
    errorTemplate: text('errorTemplate'),
  };
}
