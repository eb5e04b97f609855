// `hookgraph trigger`: sends a test notification to each subscription to a topic, or to a URL (by a temporary subscription).
import { RuntimeError } from '../../runtime/runtime-error.js';
import type { Answer, Client } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import { findSubscription } from '../find.js';
import { failed, printReport } from '../report.js';
import { CREATE, called, DELETE, save } from '../saving.js';
import { topicOf } from '../subscription-input.js';
import { refuseUnknownTopic } from '../suggest.js';
import { testSubscription } from './try-webhook.js';

const OF_TOPIC = `query ($topicKey: String, $first: Int, $after: String) { webhookSubscriptions(topicKey: $topicKey, first: $first, after: $after) {
  nodes { id databaseId name topic { key version } } pageInfo { hasNextPage endCursor } } }`;

interface Target {
  id: string;
  name: string | null;
  topic: { key: string; version: string } | null;
}

export function addTrigger(program: Command, { terminal, connect, interrupted }: Cli): void {
  addAnswering(
    program,
    'trigger <topic> [target]',
    'send a test notification of a topic now: to all your subscriptions to it, or to the given subscription or URL',
    ['trigger user/created', 'trigger user/created "CRM users"', 'trigger user/created http://127.0.0.1:8080/receive-webhooks'],
  ).action(async (topic: string, target: string | undefined, options: Answering) => {
    const client = await connect();
    const reports: { webhookSubscription: Target; report: Answer }[] = [];
    const add = (webhookSubscription: Target, report: Answer) => {
      reports.push({ webhookSubscription, report });
      if (options.json) return;
      terminal.note(`${called(webhookSubscription)}:`);
      printReport(terminal, report);
    };
    if (target && /^https?:\/\//i.test(target))
      await withTemporary(client, { topic: topicOf(topic), callbackUrl: target }, interrupted(), async (one) =>
        add({ ...one, name: target }, (await testSubscription(client, one.id)).report),
      );
    else for (const one of await findTargets(client, topic, target)) add(one, (await testSubscription(client, one.id)).report);
    if (options.json) terminal.json(reports);
    const failures = reports.filter(({ report }) => failed(report));
    if (failures.length > 0) throw new RuntimeError('TEST_FAILED', `${failures.length} of ${reports.length} tests failed`);
  });
}

async function findTargets(client: Client, topic: string, target: string | undefined): Promise<Target[]> {
  const { key } = topicOf(topic);
  if (target === undefined) {
    const all = await client.list(OF_TOPIC, { topicKey: key }, Number.POSITIVE_INFINITY);
    if (all.length > 0) return all;
    await refuseUnknownTopic(client, key);
    throw new RuntimeError(
      'NOT_FOUND',
      `You have no subscription to ${key}`,
      `Pass a URL to send a single test to: hookgraph trigger ${key} http://…`,
    );
  }
  const one = await findSubscription(client, target);
  if (one.topic?.key === key) return [one];
  throw new RuntimeError('TOPIC_WRONG', `${called(one)} is a subscription to ${one.topic?.key}, not to ${key}`);
}

/** Creates a temporary subscription, and always deletes it after `use`. It is disabled, so that events aren't delivered to it. */
async function withTemporary(
  client: Client,
  definition: Record<string, unknown>,
  signal: AbortSignal,
  use: (one: Target) => Promise<void>,
): Promise<void> {
  const { webhookSubscription } = await save(client, CREATE, { ...definition, name: 'trigger (temporary)', disabled: true });
  try {
    await Promise.race([use(webhookSubscription), rejectedBy(signal)]);
  } finally {
    await client.mutate(DELETE, { webhookSubscription: { id: webhookSubscription.id } });
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = () => reject(new RuntimeError('INTERRUPTED', 'Stopped; the temporary subscription is deleted'));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
