// Validates and creates subscriptions: a single one, or several, which are either all created or none.
import type { PoolClient } from 'pg';
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor, Definition, Secrets, Subscription, Topic } from '../base/model.js';
import { changesOf, recordAudit, switched as switchedTo } from '../base/store/audit.js';
import { writeSecrets } from '../base/store/secrets.js';
import { subscriptionsByIds } from '../base/store/subscriptions.js';
import { insideTransaction } from '../base/store/transaction.js';
import { noteUpkeep, settleUpkeep } from '../destinations/upkeep.js';
import { beginSnapshot, whyNoSnapshot } from './save/begin-snapshot.js';
import { checkDraft } from './save/check-draft.js';
import { checkPhase } from './save/check-phase.js';
import { checkReferences } from './save/check-references.js';
import { columnsOf } from './save/columns.js';
import { type Draft, type SubscriptionInput, splitDraft, toDraft } from './save/input.js';
import { overLimit } from './save/limit-per-topic.js';
import { savePace } from './save/pace.js';
import { auditable, checkedTopic, insertVersion, isMistake, NOT_ALLOWED, type SaveResult } from './save.js';

/** A problem of one of several inputs. `at`: its index; `null` when it is about all of them. */
export type ProblemAt = Problem & { at: number | null };

export interface CreateResult {
  /** The new subscriptions, in the order of the inputs; empty when there are mistakes. */
  subscriptions: Subscription[];
  problems: ProblemAt[];
}

/** The maximum number of subscriptions that one call creates. It allows a few for each topic of a node type, in a short transaction. */
const MOST_AT_ONCE = 50;

export async function createSubscription(engine: Engine, actor: Actor, input: SubscriptionInput): Promise<SaveResult> {
  const { subscriptions, problems } = await createSubscriptions(engine, actor, [input]);
  return { subscription: subscriptions[0] ?? null, problems: problems.map(({ at: _, ...problem }) => problem) };
}

/** Creates all of the subscriptions in one transaction, or none when one of the inputs has a mistake. */
export async function createSubscriptions(engine: Engine, actor: Actor, inputs: readonly SubscriptionInput[]): Promise<CreateResult> {
  if (!actor.canManageWebhooks) return refusedAt(NOT_ALLOWED);
  if (inputs.length === 0) return refusedAt({ field: 'base', message: 'give at least one subscription to create', type: 'BLANK' });
  if (inputs.length > MOST_AT_ONCE)
    return refusedAt({ field: 'base', message: `${inputs.length} subscriptions are more than the ${MOST_AT_ONCE} that one call creates` });
  const checked = await Promise.all(inputs.map((input) => check(engine, actor, input)));
  const problems: ProblemAt[] = checked.flatMap(({ problems: found }, at) => found.map((problem) => ({ ...problem, at })));
  const ready = checked.flatMap(({ prepared }) => prepared ?? []);
  if (problems.some(isMistake) || ready.length < inputs.length) return { subscriptions: [], problems };
  const ids = await insertAll(engine, actor, ready);
  if (!Array.isArray(ids)) return { subscriptions: [], problems: [...problems, ids] };
  for (const [at, { definition }] of ready.entries())
    problems.push(...(await settleUpkeep(engine, ids[at] as string, definition)).map((problem) => ({ ...problem, at })));
  const saved = await subscriptionsByIds(engine.pool, actor, ids);
  return { subscriptions: ids.flatMap((id) => saved.get(id) ?? []), problems };
}

const refusedAt = (problem: Problem): CreateResult => ({ subscriptions: [], problems: [{ ...problem, at: null }] });

interface Prepared {
  draft: Draft;
  topic: Topic;
  definition: Definition;
  secrets: Secrets;
  isDisabled: boolean;
  isSnapshot: boolean;
}

/** Checks one input. `prepared` is `null` when the input has mistakes. */
async function check(engine: Engine, actor: Actor, input: SubscriptionInput): Promise<{ prepared: Prepared | null; problems: Problem[] }> {
  const { topic, problems } = await checkedTopic(engine, input, null);
  const draft = toDraft(input, null, engine.settings);
  problems.push(
    ...(await checkDraft(engine, actor.tenant, draft, topic, null)),
    ...(await checkPhase(engine, actor, draft, topic, null)),
    ...(await checkReferences(engine, actor, draft, null)),
  );
  const isSnapshot = input.startFrom === 'SNAPSHOT';
  const obstacle = isSnapshot && topic && whyNoSnapshot(topic, draft.phase === 'BEFORE');
  if (obstacle) problems.push(obstacle);
  if (!topic || problems.some(isMistake)) return { prepared: null, problems };
  return { prepared: { draft, topic, ...splitDraft(draft, null), isDisabled: input.disabled === true, isSnapshot }, problems };
}

/** Thrown inside of the transaction, which then saves nothing. */
class Full extends Error {
  constructor(readonly problem: ProblemAt) {
    super(problem.message);
  }
}

/** Returns the ids in the order of the inputs, or the problem because of which nothing was saved. */
async function insertAll(engine: Engine, actor: Actor, ready: readonly Prepared[]): Promise<string[] | ProblemAt> {
  // Topics are locked in the order of their ids, so that two calls never wait for each other.
  const order = ready.map((prepared, at) => ({ prepared, at })).sort((a, b) => (a.prepared.topic.id < b.prepared.topic.id ? -1 : 1));
  const ids = new Array<string>(ready.length);
  try {
    await insideTransaction(engine.pool, async (client) => {
      for (const { prepared, at } of order) {
        const full = await overLimit(client, actor.tenant, prepared.topic, engine.deadlines.subscriptionsPerTopic);
        if (full) throw new Full({ ...full, at });
        ids[at] = await insert(client, engine, actor, prepared);
      }
    });
    return ids;
  } catch (error) {
    if (error instanceof Full) return error.problem;
    throw error;
  }
}

async function insert(client: PoolClient, engine: Engine, actor: Actor, prepared: Prepared): Promise<string> {
  const { draft, topic, definition, secrets, isDisabled, isSnapshot } = prepared;
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO hookgraph.subscriptions (tenant, owner, name, topic_id, disabled_at, disabled_reason, integration_id, environment_ids, phase, coalesces, ordering, related_fields, related_types, created_id)
     VALUES ($1, $2, $3, $4, CASE WHEN $5 THEN now() END, CASE WHEN $5 THEN 'OWNER' END, $6, $7, $8, $9, $10, $11, $12,
       CASE WHEN NOT $13 THEN hookgraph.next_id() END) RETURNING id`,
    [
      actor.tenant,
      actor.userId,
      draft.name,
      topic.id,
      isDisabled,
      draft.integrationId,
      draft.environmentIds,
      ...columnsOf(engine, definition, topic),
      isSnapshot,
    ],
  );
  const created = (rows[0] as { id: string }).id;
  await insertVersion(client, actor, created, 1, definition);
  await writeSecrets(client, engine.vault, created, {}, secrets);
  await noteUpkeep(client, created, definition);
  if (definition.rateLimit) await savePace(client, created, { limit: definition.rateLimit, isMoved: false, isBack: false });
  const changes = changesOf(null, auditable(draft, topic, definition, secrets));
  if (isDisabled) changes.push(switchedTo(true));
  await recordAudit(client, actor, [{ subscriptionId: created, action: 'CREATED', versionAfter: 1, changes }]);
  if (isSnapshot) await beginSnapshot(client, engine.host, { actor, subscriptionId: created, topic });
  return created;
}
