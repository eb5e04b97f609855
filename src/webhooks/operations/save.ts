// Validates and saves changes of subscriptions, and deletes subscriptions. Each change of a definition creates a new version.
import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import type { Engine } from '../base/engine.js';
import { type Problem, WebhooksError } from '../base/errors.js';
import type { Actor, Definition, Secrets, Subscription, Topic } from '../base/model.js';
import { type Auditable, type AuditRecord, changesOf, recordAudit, switched as switchedTo } from '../base/store/audit.js';
import { cancelDeliveries, holdDeliveries, releaseDeliveries } from '../base/store/delivery-moves.js';
import { countMissed, type MissedEvents } from '../base/store/missed-events.js';
import { writePaces } from '../base/store/paces.js';
import { endReplaysOf } from '../base/store/replays.js';
import { wipeSecrets, writeSecrets } from '../base/store/secrets.js';
import { countRelease, ENABLED_NOW } from '../base/store/subscription-status.js';
import { loadUnsealed, lockSubscription, subscriptionsByIds, type Unsealed } from '../base/store/subscriptions.js';
import { resolveTopic, topicsByIds } from '../base/store/topics.js';
import { insideTransaction } from '../base/store/transaction.js';
import { forgetUpkeep, noteUpkeep, settleUpkeep } from '../destinations/upkeep.js';
import { listYoungClaims, NOTHING_BEGINS, untilNoneBegins } from '../lease/lease-freshness.js';
import { begin } from './begin-move.js';
import { checkContract } from './contract/check-contract.js';
import { ONLY_NEW } from './save/begin-snapshot.js';
import { checkDraft } from './save/check-draft.js';
import { checkPhase } from './save/check-phase.js';
import { checkReferences } from './save/check-references.js';
import { columnsOf } from './save/columns.js';
import { type SubscriptionInput, splitDraft, toDraft } from './save/input.js';
import { overLimit } from './save/limit-per-topic.js';
import { isMoved, savePace } from './save/pace.js';

export type { SubscriptionInput } from './save/input.js';

/** The saved subscription and the problems of the input. A problem without a severity is a mistake, and then nothing was saved. */
export interface SaveResult {
  subscription: Subscription | null;
  problems: Problem[];
  /** The events that were missed while the subscription was disabled, when an update has enabled it; `null` or absent: none. */
  missed?: MissedEvents | null;
}

/**
 * Updates a subscription, and enables or disables it. With an `expectedVersion`, saves nothing if the subscription has another version.
 * @throws WebhooksError CONFLICT when other requests changed the subscription during each of five tries
 */
export async function updateSubscription(
  engine: Engine,
  actor: Actor,
  id: string,
  input: SubscriptionInput,
  expectedVersion: number | null = null,
): Promise<SaveResult> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  // The checks may take seconds and hold no lock, so they run again if another request has changed the subscription meanwhile.
  for (let round = 0; round < 5; round++) {
    const before = await loadUnsealed(engine.pool, engine.vault, actor, id);
    if (!before) return refused(NOT_FOUND);
    const { version } = before.subscription;
    if (expectedVersion !== null && version !== expectedVersion) return refused(conflict(version, expectedVersion));
    const result = await tryUpdate(engine, actor, before, input);
    if (result) return result;
  }
  throw new WebhooksError('CONFLICT', `Saving the subscription ${id} failed: other requests changed it each time.`, 'Try again.');
}

/** Deletes a subscription and its secrets, and cancels its open deliveries. Its deliveries and attempts stay readable. */
export async function deleteSubscription(engine: Engine, actor: Actor, id: string): Promise<SaveResult> {
  if (!actor.canManageWebhooks) return refused(NOT_ALLOWED);
  const subscription = await read(engine, actor, id);
  if (!subscription) return refused(NOT_FOUND);
  const young = await insideTransaction(engine.pool, async (client) => {
    const { rows } = await client.query<{ version: number }>(
      `UPDATE hookgraph.subscriptions SET deleted_at = now(), updated_at = clock_timestamp()
       WHERE id = $1 AND tenant = $2 AND owner = $3 AND deleted_at IS NULL RETURNING version`,
      [id, actor.tenant, actor.userId],
    );
    if (!rows[0]) return null;
    await recordAudit(client, actor, [{ subscriptionId: id, action: 'DELETED', versionBefore: rows[0].version }]);
    await wipeSecrets(client, id);
    await writePaces(client, new Map([[id, null]]));
    await forgetUpkeep(client, id);
    await endReplaysOf(client, id);
    return listYoungClaims(client, [id]);
  });
  if (!young) return refused(NOT_FOUND);
  await begin(engine, () => cancelDeliveries(engine.pool, [id]));
  await untilNoneBegins(engine.pool, young);
  return { subscription, problems: await settleUpkeep(engine, id, subscription.definition) };
}

const conflict = (version: number, expected: number): Problem => ({
  field: 'expectedVersion',
  message: `is ${expected}, but the subscription was changed meanwhile and has version ${version}; nothing was saved`,
  type: 'CONFLICT',
});

export const NOT_ALLOWED: Problem = { field: 'base', message: 'you are not allowed to manage webhooks', type: 'FORBIDDEN' };
export const NOT_FOUND: Problem = { field: 'id', message: 'not found', type: 'NOT_FOUND' };

const refused = (...problems: Problem[]): SaveResult => ({ subscription: null, problems });
export const isMistake = (problem: Problem): boolean => problem.severity !== 'warning';

/** Tries to save an update once. Returns `null` when a concurrent save changed the subscription. */
async function tryUpdate(engine: Engine, actor: Actor, before: Unsealed, input: SubscriptionInput): Promise<SaveResult | null> {
  const { subscription: was, secrets: oldSecrets } = before;
  const { topic, problems } = await checkedTopic(engine, input, was.topicId);
  if (input.startFrom != null) problems.push(ONLY_NEW);
  const savedBefore = { ...was, secrets: oldSecrets };
  const draft = toDraft(input, savedBefore, engine.settings);
  const { definition, secrets } = splitDraft(draft, savedBefore);
  const redefined = topic?.id !== was.topicId || !isDeepStrictEqual(definition, was.definition) || !isDeepStrictEqual(secrets, oldSecrets);
  // Unchanged fields are not re-validated, so that an old subscription can still be enabled, disabled or renamed.
  if (redefined || draft.name !== was.name) problems.push(...(await checkDraft(engine, actor.tenant, draft, topic, was.definition)));
  if (redefined || !definition.before) problems.push(...(await checkPhase(engine, actor, draft, topic, was.id)));
  problems.push(...(await checkReferences(engine, actor, draft, was)));
  if (!topic || problems.some(isMistake)) return refused(...problems);
  const { name, integrationId, environmentIds } = draft;
  const relabelled = !isDeepStrictEqual([name, integrationId, environmentIds], [was.name, was.integrationId, was.environmentIds]);

  const old = (await topicsByIds(engine.pool, [was.topicId])).get(was.topicId) as Topic;
  problems.push(...(await checkContract(engine, actor.tenant, { definition: was.definition, topic: old }, { definition, topic })));
  const changes = changesOf(auditable(was, old, was.definition, oldSecrets), auditable(draft, topic, definition, secrets));

  const disabled = input.disabled === undefined ? was.disabledAt !== null : input.disabled === true;
  const saved = await insideTransaction(engine.pool, async (client) => {
    await lockSubscription(client, actor, was.id);
    const current = await stateIfSame(client, was);
    if (!current) return null;
    const switched = input.disabled !== undefined && (current.disabledAt !== null) !== disabled;
    const off = async () => (input.disabled === true ? listYoungClaims(client, [was.id]) : NOTHING_BEGINS);
    if (!redefined && !switched && !relabelled) return { backFrom: null, young: await off() };
    const full = topic.id === was.topicId ? null : await overLimit(client, actor.tenant, topic, engine.deadlines.subscriptionsPerTopic);
    if (full) return full;
    if (redefined) {
      await insertVersion(client, actor, was.id, was.version + 1, definition);
      await writeSecrets(client, engine.vault, was.id, oldSecrets, secrets);
      await noteUpkeep(client, was.id, was.definition, definition);
    }
    const isBack = switched && !disabled;
    if (redefined || isBack)
      await savePace(client, was.id, {
        limit: definition.rateLimit ?? null,
        isMoved: isMoved(was.definition, definition),
        isBack: isBack && (was.pace !== null || current.byRule),
      });
    const columns = columnsOf(engine, definition, topic);
    await client.query(UPDATE, [was.id, name, topic.id, redefined, switched, disabled, integrationId, environmentIds, ...columns]);
    await recordAudit(client, actor, auditOfUpdate(was, { changes, redefined, switched, disabled }));
    // Deliveries held for the reason NODE (the query or a template gave nothing usable) are released, too.
    if (redefined) await countRelease(client, was.id);
    return { backFrom: isBack ? current.disabledAt : null, young: await off() };
  });
  if (!saved) return null;
  if ('message' in saved) return refused(saved);
  if (redefined) await begin(engine, () => releaseDeliveries(engine.pool, [was.id], ['BROKEN', 'MENDED']));
  const missed = saved.backFrom && (await countMissed(engine.pool, was.id, saved.backFrom));
  if (saved.backFrom) await begin(engine, () => releaseDeliveries(engine.pool, [was.id], ['DISABLED']));
  const subscription = await read(engine, actor, was.id);
  if (subscription?.status === 'DISABLED') await begin(engine, () => holdDeliveries(engine.pool, [was.id], 'DISABLED'));
  await untilNoneBegins(engine.pool, saved.young);
  problems.push(...(await settleUpkeep(engine, was.id, was.definition, definition)));
  return { subscription, problems, missed };
}

/**
 * Returns when the subscription was disabled (`disabledAt: null`: it is enabled), and whether a rule disabled it. Returns `null` when
 * another request has changed the subscription since it was read.
 */
async function stateIfSame(client: PoolClient, was: Subscription): Promise<{ disabledAt: Date | null; byRule: boolean } | null> {
  const { rows } = await client.query<{ disabledAt: Date | null; byRule: boolean }>(
    `SELECT disabled_at AS "disabledAt", disabled_reason IN ('TOO_MANY_ERRORS', 'RETRIES_EXHAUSTED', 'GONE') IS TRUE AS "byRule" FROM hookgraph.subscriptions WHERE id = $1 AND version = $2 AND deleted_at IS NULL
       AND (name, integration_id, environment_ids) IS NOT DISTINCT FROM ($3, $4, $5::text[])`,
    [was.id, was.version, was.name, was.integrationId, was.environmentIds],
  );
  return rows[0] ?? null;
}

interface Update {
  changes: ReturnType<typeof changesOf>;
  redefined: boolean;
  switched: boolean;
  disabled: boolean;
}

/** Returns the audit log's entries for an update: one for changed fields, and one when the subscription was enabled or disabled. */
function auditOfUpdate({ id, version }: Subscription, { changes, redefined, switched, disabled }: Update): AuditRecord[] {
  const about = { subscriptionId: id, versionBefore: version, versionAfter: version + Number(redefined) };
  const entries: AuditRecord[] = changes.length > 0 ? [{ ...about, action: 'UPDATED', changes }] : [];
  if (switched) entries.push({ ...about, action: disabled ? 'DISABLED' : 'ENABLED', changes: [switchedTo(disabled)] });
  return entries;
}

const UPDATE = `
  UPDATE hookgraph.subscriptions x SET name = $2, topic_id = $3, version = version + $4::boolean::int,
    broken_at = CASE WHEN $4 THEN NULL ELSE broken_at END, broken_reason = CASE WHEN $4 THEN NULL ELSE broken_reason END,
    disabled_at = CASE WHEN NOT $5 THEN disabled_at WHEN $6 THEN now() END,
    disabled_reason = CASE WHEN NOT $5 THEN disabled_reason WHEN $6 THEN 'OWNER' END,
    disabled_message = CASE WHEN NOT $5 THEN disabled_message END,
    slowed_at = CASE WHEN NOT $5 OR $6 THEN slowed_at END, slowed_reason = CASE WHEN NOT $5 OR $6 THEN slowed_reason END,
    enabled_at = CASE WHEN ($5 AND NOT $6) OR phase <> $9 THEN ${ENABLED_NOW} ELSE enabled_at END, integration_id = $7, environment_ids = $8,
    phase = $9, coalesces = $10, ordering = $11, related_fields = $12, related_types = $13, updated_at = clock_timestamp()
  WHERE id = $1`;

/** Returns the topic that the input names. If it names none, returns the saved topic, whose id is `pinned`. */
export async function checkedTopic(
  engine: Engine,
  input: SubscriptionInput,
  pinned: string | null,
): Promise<{ topic: Topic | null; problems: Problem[] }> {
  const reference = input.topic;
  if (reference === undefined && pinned !== null)
    return { topic: (await topicsByIds(engine.pool, [pinned])).get(pinned) ?? null, problems: [] };
  if (reference == null || (reference.id == null && reference.key == null))
    return { topic: null, problems: [{ field: 'topic', message: "can't be blank", type: 'BLANK' }] };
  const topic = await resolveTopic(engine.pool, reference);
  if (topic) return { topic, problems: [] };
  const named =
    reference.key == null
      ? ''
      : `: ${JSON.stringify(reference.key)}${reference.version == null ? '' : ` ${JSON.stringify(reference.version)}`}`;
  return { topic: null, problems: [{ field: 'topic', message: `not found${named}`, type: 'NOT_FOUND' }] };
}

export function auditable(
  { name, integrationId, environmentIds }: Pick<Auditable, 'name' | 'integrationId' | 'environmentIds'>,
  { key, version }: Topic,
  definition: Definition,
  secrets: Secrets,
): Auditable {
  return { name, topic: `${key} ${version}`, integrationId, environmentIds, definition, secrets };
}

export async function insertVersion(client: PoolClient, actor: Actor, id: string, number: number, definition: Definition): Promise<void> {
  await client.query(
    'INSERT INTO hookgraph.subscription_versions (subscription_id, number, definition, created_by) VALUES ($1, $2, $3, $4)',
    [id, number, JSON.stringify(definition), actor.userId],
  );
}

/** Raises the version number of a subscription by one. Call insertVersion first, which stores the definition of the new version. */
export async function raiseVersion(client: PoolClient, id: string): Promise<void> {
  await client.query('UPDATE hookgraph.subscriptions SET version = version + 1, updated_at = clock_timestamp() WHERE id = $1', [id]);
}

async function read(engine: Engine, actor: Actor, id: string): Promise<Subscription | null> {
  return (await subscriptionsByIds(engine.pool, actor, [id])).get(id) ?? null;
}
