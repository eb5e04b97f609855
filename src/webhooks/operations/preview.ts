// Runs a saved or unsaved definition on a node and reports every stage up to the request. Saves and sends nothing.
import { randomBytes } from 'node:crypto';
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, Definition, Secrets, Snapshot, Topic } from '../base/model.js';
import { OWNER_GONE_PROBLEM } from '../base/owner-gone.js';
import { openContext } from '../base/recall.js';
import type { StageReport, Watch } from '../base/report.js';
import { REPORT_ORDER, type ReportStage, type Stage } from '../base/stages.js';
import { attemptsByIds } from '../base/store/attempts.js';
import { changedSecrets } from '../base/store/audit.js';
import { loadUnsealed } from '../base/store/subscriptions.js';
import { compileDefinition } from '../compile-definition.js';
import { isDestination, withoutDestination } from '../destinations/registry.js';
import type { PayloadResult } from '../payload/build-payload.js';
import { composeOnly, onlyAttempt } from '../stages.js';
import { type Answer, judge, type Verdict } from '../verdict/judge.js';
import { readError } from '../verdict/read-error.js';
import { eventOf, findLastNode, findNode } from './find-node.js';
import { checkDraft } from './save/check-draft.js';
import { checkPhase } from './save/check-phase.js';
import { checkReferences } from './save/check-references.js';
import { splitDraft, toDraft } from './save/input.js';
import { checkedTopic, isMistake, NOT_FOUND, type SubscriptionInput } from './save.js';
import { inOrder, notRun, refused, type TryReport, type TryResult } from './try-result.js';

/** Placeholders for ids in the previewed request, because a preview creates no subscription and no delivery. */
const NO_SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';
export const NO_DELIVERY = '0';

export interface PreviewQuestion {
  id: string | null;
  input: SubscriptionInput;
  nodeId: string | null;
  /** A response to judge as if the receiver had sent it. */
  response?: { status: number; headers: Record<string, string>; body: string | null } | null;
  /** An attempt of the user whose recorded response is judged instead. */
  attemptId?: string | null;
}

/**
 * Previews `input`, or the saved subscription `id` with `input` applied over it, on the node `nodeId` (`null`: the newest readable
 * node). A stage with a mistake in its source is reported as failed; the other stages still run.
 */
export async function previewSubscription(
  engine: Engine,
  actor: Actor,
  { id, input, nodeId, response: sample = null, attemptId = null }: PreviewQuestion,
): Promise<TryResult> {
  const response = attemptId === null ? sample : ((await attemptsByIds(engine.pool, actor, [attemptId])).get(attemptId)?.response ?? null);
  if (attemptId !== null && response === null)
    return refused({ ...NOT_FOUND, field: 'attemptId', message: 'has no response, or does not exist' });
  const draft = await readDraft(engine, actor, id, input);
  if (!draft) return refused(NOT_FOUND);
  const { before, topic, problems, definition, secrets } = draft;
  const replaced = before && actor.canManageWebhooks ? changedSecrets(before.secrets, secrets) : [];
  if (!topic) return { ...refused(...problems), changedSecrets: replaced };
  const found = await (nodeId === null ? findLastNode(engine, actor, topic) : findNode(engine, actor, topic, nodeId));
  if ('problem' in found) return { ...refused(...problems, found.problem), changedSecrets: replaced };
  const { node } = found;
  const contextOf = await engine.host.contextFor(actor);
  if (!contextOf) return refused(OWNER_GONE_PROBLEM);

  const started = performance.now();
  const mistakes = problems.filter(isMistake);
  const compiled = await compileDraft(engine, {
    id: before?.subscription.id ?? null,
    actor,
    topic,
    definition: withoutMistakes(definition, mistakes),
    secrets,
  });
  const reports = new Map<ReportStage, StageReport>();
  const watch = (report: StageReport) => void reports.set(report.stage, report);
  const event = compiled.event && (await eventOf(engine, actor, topic, node));
  const sources = () => ({ open: (overlay: Snapshot[]) => openContext(engine.host, contextOf, overlay), overlay: node.overlay, event });
  // Skips the templates when the query has mistakes, because there is no data to render.
  const composed = mistakes.some(({ field }) => field === 'query')
    ? null
    : await composeOnly(engine, compiled, { subject: { ...node, id: NO_DELIVERY, kind: 'TEST', eventId: null }, sources, watch });
  const blocked = mistakes.some((mistake) => BLOCKING.includes(sourceOf(mistake)));
  const request = blocked ? null : (composed?.compose() ?? null);
  if (request) watch({ ...notRun('SEND'), input: request });
  const isRead = response !== null && !mistakes.some(({ field }) => field === 'errorTemplate');
  const verdict = isRead ? await judgeSample(engine, compiled, response, { payload: composed?.payload ?? null, watch }) : null;
  if (verdict && response) watch(reportOfSample(verdict, request, response));
  if (compiled.auth) watch(notRun('AUTH'));
  addMistakes(reports, mistakes);
  const ended = endOf(inOrder([...reports.values()]), verdict?.stage ?? null);
  const { typename, nodeKey } = node;
  const durationMs = performance.now() - started;
  return {
    problems,
    report: { typename, nodeKey, ...ended, request, response, durationMs },
    changedSecrets: replaced,
    deliveryId: null,
  };
}

/**
 * Reads the saved subscription `id`, if it is given, and checks `input`, applied over it, as a save does. Returns `null` when the user has
 * no such subscription.
 */
export async function readDraft(engine: Engine, actor: Actor, id: string | null, input: SubscriptionInput) {
  const before = id === null ? null : await loadUnsealed(engine.pool, engine.vault, actor, id);
  if (id !== null && !before) return null;
  const checked = await checkInput(engine, actor, input, before);
  return { before, ...checked, secrets: actor.canManageWebhooks ? checked.secrets : withoutKeys(checked.secrets) };
}

/** @throws Error when the definition, which passed all checks, does not compile */
export async function compileDraft(
  engine: Engine,
  { id, actor, topic, definition, secrets }: { id: string | null; actor: Actor; topic: Topic; definition: Definition; secrets: Secrets },
): Promise<Compiled> {
  const subscription = { id: id ?? NO_SUBSCRIPTION, version: 0, tenant: actor.tenant, owner: actor.userId, definition };
  const compiled = await compileDefinition(engine, { subscription, topic, secrets });
  if ('broken' in compiled) throw new Error(`A definition that passed all checks does not compile: ${compiled.broken}`);
  return compiled;
}

/**
 * Replaces the keys that sign requests by random ones, for users who may not manage webhooks. Otherwise they could have any body
 * signed, and send it to the receiver.
 */
function withoutKeys({ oldSecrets: _, sharedSecret, ...secrets }: Secrets): Secrets {
  if (sharedSecret === undefined) return secrets;
  const isPrivateKey = sharedSecret.startsWith('whsk_');
  return { ...secrets, sharedSecret: `${isPrivateKey ? 'whsk_' : ''}${randomBytes(32).toString('base64')}` };
}

/** Judges a response as if the receiver had sent it: renders the error template, and looks at the status. */
async function judgeSample(
  engine: Engine,
  compiled: Compiled,
  { status, headers, body }: NonNullable<TryReport['response']>,
  { payload, watch }: { payload: PayloadResult | null; watch: Watch },
): Promise<Verdict> {
  const names = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]);
  const answer: Answer = { kind: 'REPLY', status, headers: Object.fromEntries(names), body: body ?? '' };
  const event = payload?.outcome === 'READY' ? payload.event : null;
  return judge(answer, await readError(engine, compiled, answer, event, watch), compiled.retry, onlyAttempt(), compiled);
}

function reportOfSample({ stage, message }: Verdict, request: TryReport['request'], response: TryReport['response']): StageReport {
  const isFailed = stage !== null && stage !== 'ERROR_TEMPLATE';
  return {
    ...notRun('SEND'),
    outcome: isFailed ? 'FAILED' : 'NOT_RUN',
    input: request,
    output: response,
    message: isFailed ? message : null,
  };
}

/** Checks the input, applied over the saved subscription, as a save does. */
async function checkInput(engine: Engine, actor: Actor, input: SubscriptionInput, before: Awaited<ReturnType<typeof loadUnsealed>>) {
  const { topic, problems } = await checkedTopic(engine, input, before?.subscription.topicId ?? null);
  const saved = before && { ...before.subscription, secrets: before.secrets };
  const draft = toDraft(input, saved, engine.settings);
  problems.push(
    ...(await checkDraft(engine, actor.tenant, draft, topic, before?.subscription.definition ?? null)),
    ...(await checkPhase(engine, actor, draft, topic, before?.subscription.id ?? null)),
    ...(await checkReferences(engine, actor, draft, before?.subscription ?? null)),
  );
  return { topic, problems, environmentIds: draft.environmentIds, ...splitDraft(draft, saved) };
}

/** Reports a stage as failed if its query, template or other field of the definition has mistakes. */
function addMistakes(reports: Map<ReportStage, StageReport>, mistakes: Problem[]): void {
  for (const stage of REPORT_ORDER) {
    const own = mistakes.filter((mistake) => sourceOf(mistake) === stage);
    if (own.length === 0) continue;
    const message = own.map((mistake) => mistake.message).join('\n');
    const place = own.find((mistake) => mistake.place)?.place ?? null;
    reports.set(stage, { ...(reports.get(stage) ?? notRun(stage)), outcome: 'FAILED', output: null, message, place });
  }
}

/** Returns how a preview ended: at the first failed stage or, without one, at the first skipped stage. */
function endOf(stages: StageReport[], judged: Stage | null): Pick<TryReport, 'outcome' | 'stage' | 'message' | 'stages'> {
  const failed = stages.find(({ outcome }) => outcome === 'FAILED');
  const skipped = stages.find(({ outcome }) => outcome === 'SKIPPED');
  const ended = failed ?? skipped;
  return {
    outcome: failed ? 'FAILED' : skipped ? 'SKIPPED' : 'READY',
    stage: ended ? (ended.stage === 'SEND' ? (judged ?? 'ADDRESS') : ended.stage) : null,
    message: ended?.message ?? null,
    stages,
  };
}

/** For each field of the definition, the stage that is reported as failed when the field has a mistake. */
const SOURCES: Record<string, ReportStage> = {
  query: 'QUERY',
  validationTemplate: 'VALIDATION',
  template: 'TEMPLATE',
  errorTemplate: 'ERROR_TEMPLATE',
  headers: 'SEND',
  sharedSecret: 'SEND',
  auth: 'AUTH',
  signatures: 'SEND',
};

function sourceOf({ field }: Problem): ReportStage | undefined {
  const [name = ''] = field.split('.');
  return isDestination(name) ? 'SEND' : SOURCES[name];
}

/** Stages at which a mistake prevents the preview from building the request. */
const BLOCKING: (ReportStage | undefined)[] = ['QUERY', 'TEMPLATE', 'AUTH', 'SEND'];

/**
 * Makes a definition with mistakes compile: removes its query and templates that have mistakes, and replaces an invalid destination by a
 * placeholder.
 */
export function withoutMistakes(definition: Definition, mistakes: Problem[]): Definition {
  const wrong = new Set(mistakes.map(({ field }) => field));
  const text = (field: 'query' | 'validationTemplate' | 'template' | 'errorTemplate') => (wrong.has(field) ? null : definition[field]);
  const isNowhere = mistakes.some(({ field }) => isDestination(field.split('.')[0] ?? ''));
  return {
    ...(isNowhere ? { ...withoutDestination(definition), callbackUrl: 'https://invalid.invalid/' } : definition),
    query: text('query'),
    validationTemplate: text('validationTemplate'),
    template: text('template'),
    errorTemplate: text('errorTemplate'),
  };
}
