// Creates, updates and deletes managed topics: SNS topics that Hookgraph makes for single subscriptions. Every step is idempotent.
import type { PoolClient } from 'pg';
import type { Engine } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import { accountOf, regionOf } from '../aws/access.js';
import { openAwsClient } from '../aws/sender.js';
import { type SnsSettings, topicArnOf } from './definition.js';
import { loadSns, SNS } from './sender.js';

/** Milliseconds for which a process reserves a queued topic; after that, another process may create or delete it. */
const CLAIM_MS = 60_000;
/** Milliseconds after which a failed creation or deletion of a topic is retried. */
const RETRY_MS = 60_000;
/** Timeout of one call to AWS, in milliseconds. */
const CALL_MS = 5_000;

/**
 * Queues the managed topics of a subscription's old and new settings, so that `settleTopics` creates or deletes them. Must run in the
 * transaction of the save.
 */
export async function noteTopics(client: PoolClient, id: string, settings: SnsSettings[]): Promise<void> {
  const arns = settings.flatMap((sns) => (sns.kind === 'MANAGED' ? [topicArnOf(sns, id)] : []));
  if (arns.length === 0) return;
  await client.query(
    `INSERT INTO hookgraph.managed_topics (arn, subscription_id) SELECT DISTINCT arn, $2::uuid FROM unnest($1::text[]) AS a (arn)
     ON CONFLICT (arn) DO UPDATE SET generation = managed_topics.generation + 1, pending = true, due_at = now()`,
    [arns, id],
  );
}

/** Queues the deletion of a subscription's topics. Must run in the transaction that deletes the subscription. */
export async function forgetTopics(client: PoolClient, id: string): Promise<void> {
  await client.query(
    'UPDATE hookgraph.managed_topics SET generation = generation + 1, pending = true, due_at = now() WHERE subscription_id = $1',
    [id],
  );
}

interface ClaimedTopic {
  arn: string;
  id: string;
  generation: number;
  deleted: boolean;
  sns: SnsSettings | null;
}

const CLAIM_TOPICS = `
  WITH due AS (
    SELECT arn FROM hookgraph.managed_topics WHERE pending AND due_at <= now() AND ($1::uuid IS NULL OR subscription_id = $1)
    ORDER BY due_at LIMIT 20 FOR UPDATE SKIP LOCKED
  )
  UPDATE hookgraph.managed_topics m SET due_at = now() + $2 * interval '1 ms'
  FROM due, hookgraph.subscriptions s JOIN hookgraph.subscription_versions v ON v.subscription_id = s.id AND v.number = s.version
  WHERE m.arn = due.arn AND s.id = m.subscription_id
  RETURNING m.arn, m.subscription_id AS id, m.generation, s.deleted_at IS NOT NULL AS deleted, v.definition -> 'sns' AS sns`;

/**
 * Creates or deletes the queued topics of one subscription; `null`: of all subscriptions. A step that fails is returned as a warning and
 * retried after RETRY_MS.
 * @throws Error when the database fails
 */
export async function settleTopics(engine: Engine, subscriptionId: string | null = null): Promise<Problem[]> {
  const { rows } = await engine.pool.query<ClaimedTopic>(CLAIM_TOPICS, [subscriptionId, CLAIM_MS]);
  const problems = await Promise.all(rows.map((topic) => settleTopic(engine, topic)));
  return problems.filter((problem) => problem !== null);
}

async function settleTopic(engine: Engine, { arn, id, generation, deleted, sns }: ClaimedTopic): Promise<Problem | null> {
  const { pool, log } = engine;
  const managed = sns?.kind === 'MANAGED' && !deleted && topicArnOf(sns, id) === arn ? sns : null;
  try {
    if (managed) await makeTopic(engine, arn, managed);
    else await deleteTopic(engine, arn);
  } catch (error) {
    const { name, message } = error as Error;
    log.warn(
      { err: error, arn, subscriptionId: id, action: managed ? 'create' : 'delete' },
      'updating a managed SNS topic failed; retrying',
    );
    await pool.query(`UPDATE hookgraph.managed_topics SET due_at = now() + $2 * interval '1 ms' WHERE arn = $1 AND generation = $3`, [
      arn,
      RETRY_MS,
      generation,
    ]);
    const what = managed ? 'Creating the topic failed' : 'Deleting the topic failed';
    return { field: 'sns', message: `${what} and will be retried: ${name}: ${message}`, severity: 'warning' };
  }
  const done = managed ? 'UPDATE hookgraph.managed_topics SET pending = false' : 'DELETE FROM hookgraph.managed_topics';
  await pool.query(`${done} WHERE arn = $1 AND generation = $2`, [arn, generation]);
  return null;
}

async function makeTopic({ guard }: Engine, arn: string, sns: Extract<SnsSettings, { kind: 'MANAGED' }>): Promise<void> {
  const client = await openAwsClient(SNS, guard, installationAt(arn));
  const { CreateTopicCommand, DeleteTopicCommand, SetTopicAttributesCommand } = await loadSns();
  const Name = arn.slice(arn.lastIndexOf(':') + 1);
  const { TopicArn } = await client.send(
    new CreateTopicCommand({ Name, ...(sns.fifo && { Attributes: { FifoTopic: 'true' } }) }),
    within(),
  );
  if (TopicArn !== arn) {
    await client.send(new DeleteTopicCommand({ TopicArn }), within());
    throw new Error(
      `AWS created the topic ${TopicArn} instead of ${arn}: the account or region in HOOKGRAPH_SNS_MANAGED is not that of the installation's credentials`,
    );
  }
  const { subscriberPrincipal: AWS } = sns;
  const statement = { Sid: 'Subscribe', Effect: 'Allow', Principal: { AWS }, Action: 'sns:Subscribe', Resource: arn };
  const AttributeValue = JSON.stringify({ Version: '2012-10-17', Statement: [statement, ownerStatement(arn)] });
  await client.send(new SetTopicAttributesCommand({ TopicArn: arn, AttributeName: 'Policy', AttributeValue }), within());
}

/**
 * Returns the policy statement that lets the topic's account manage the topic. Without it, a custom policy would remove these permissions,
 * which only the default policy of AWS grants.
 */
function ownerStatement(arn: string) {
  const Action = ['GetTopicAttributes', 'SetTopicAttributes', 'Publish', 'DeleteTopic', 'ListSubscriptionsByTopic'];
  const [, partition] = arn.split(':');
  return {
    Sid: 'Owner',
    Effect: 'Allow',
    Principal: { AWS: `arn:${partition}:iam::${accountOf(arn)}:root` },
    Action: Action.map((name) => `sns:${name}`),
    Resource: arn,
  };
}

async function deleteTopic({ guard }: Engine, arn: string): Promise<void> {
  const client = await openAwsClient(SNS, guard, installationAt(arn));
  const { DeleteTopicCommand } = await loadSns();
  await client.send(new DeleteTopicCommand({ TopicArn: arn }), within());
}

/** Returns access to the ARN's region with the installation's credentials. */
const installationAt = (arn: string) => ({ region: regionOf(arn), endpoint: null, role: null, keys: null });

const within = () => ({ abortSignal: AbortSignal.timeout(CALL_MS) });
