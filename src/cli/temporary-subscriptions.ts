// Subscribes for as long as `hookgraph listen` runs. Takes over or deletes what a killed `listen` left behind, and enables
// its subscriptions again after a sleep.
import { connect } from 'node:net';
import type { Answer, Client } from './client.js';
import { CREATE, DELETE, save, UPDATE } from './saving.js';
import { type Input, topicOf } from './subscription-input.js';

const LIST = `query ($first: Int, $after: String) { webhookSubscriptions(first: $first, after: $after) {
  nodes { id name callbackUrl createdAt topic { key } } pageInfo { hasNextPage endCursor } } }`;

const LOOK = `query ($id: ID!, $since: DateTime) { found: webhookSubscription(id: $id) { status disabledReason
  waiting: deliveries(states: [PENDING, RETRYING, HELD], first: 1) { totalCount }
  lost: deliveries(states: [FAILED, SKIPPED], createdAtMin: $since, first: 1) { totalCount } } }`;

interface Leftover {
  id: string;
  name: string;
  callbackUrl: string;
  createdAt: string;
  topic: { key: string };
}

export interface Temporary {
  callbackUrl: string;
  topics: readonly string[];
  /** The further fields of each subscription. */
  fields: Input;
  note(line: string): void;
}

export interface Subscribed {
  /** Enables subscriptions that were disabled, creates those that were deleted, and returns lines that say what was missed. */
  wake(sinceMs: number): Promise<string[]>;
  unsubscribe(): Promise<void>;
}

export async function subscribeTemporarily(client: Client, temporary: Temporary): Promise<Subscribed> {
  const { callbackUrl, topics, fields, note } = temporary;
  const ids = new Map<string, string>();
  const inputOf = (topic: string) => ({ name: nameOf(topic), topic: topicOf(topic), callbackUrl, ...fields });
  const create = async (topic: string) => {
    const { webhookSubscription } = await save(client, CREATE, inputOf(topic));
    ids.set(topic, webhookSubscription.id);
  };
  const subscribed: Subscribed = {
    wake: async (sinceMs) => {
      const lines: string[] = [];
      for (const [topic, id] of ids) {
        const since = new Date(sinceMs).toISOString();
        const found = await look(client, id, since);
        if (found === null) {
          await create(topic);
          lines.push(`The subscription to ${topic} was deleted meanwhile, and is created again.`);
          continue;
        }
        if (found.status === 'DISABLED') {
          await client.mutate(UPDATE, { webhookSubscription: { id, disabled: false } });
          lines.push(`The subscription to ${topic} was disabled meanwhile (${found.disabledReason}), and is enabled again.`);
        }
        lines.push(...missed(found, topic));
      }
      return lines;
    },
    unsubscribe: async () => {
      for (const [topic, id] of [...ids]) {
        await remove(client, id);
        ids.delete(topic);
      }
    },
  };
  try {
    for (const left of await findLeftovers(client)) {
      const topic = topics.find((wanted) => nameOf(wanted) === left.name && !ids.has(wanted));
      if (left.callbackUrl === callbackUrl && topic !== undefined) {
        const found = await look(client, left.id, left.createdAt);
        await save(client, UPDATE, { id: left.id, ...inputOf(topic), disabled: false });
        ids.set(topic, left.id);
        note(`Took over the subscription to ${topic} of a \`listen\` that was killed.`);
        if (found) missed(found, topic).forEach(note);
      } else if (left.callbackUrl === callbackUrl || (await isAbandoned(left.callbackUrl))) {
        const what = `the subscription to ${left.topic.key} of a \`listen\` that was killed`;
        await remove(client, left.id).then(
          () => note(`Deleted ${what}.`),
          (error: Error) => note(`Deleting ${what} failed: ${error.message}`),
        );
      }
    }
    for (const topic of topics) if (!ids.has(topic)) await create(topic);
    return subscribed;
  } catch (error) {
    await subscribed.unsubscribe();
    throw error;
  }
}

const nameOf = (topic: string): string => `listen (${topic})`;

async function findLeftovers(client: Client): Promise<Leftover[]> {
  const all: Leftover[] = await client.list(LIST, {}, Number.POSITIVE_INFINITY);
  return all.filter(({ name, callbackUrl }) => /^listen \(.+\)$/.test(name ?? '') && callbackUrl);
}

/** Deletes a subscription. It may no longer exist, because another `listen` that starts now, or any user, may have deleted it. */
async function remove(client: Client, id: string): Promise<void> {
  try {
    await client.mutate(DELETE, { webhookSubscription: { id } });
  } catch (error) {
    if ((await look(client, id, new Date(0).toISOString())) !== null) throw error;
  }
}

/** Whether a receiver on this machine no longer listens. Says nothing about other machines, where a colleague may listen. */
function isAbandoned(callbackUrl: string): Promise<boolean> {
  const { hostname, port, pathname } = new URL(callbackUrl);
  if (!/^(127\.[\d.]+|\[::1\]|localhost)$/.test(hostname) || pathname !== '/receive-webhooks') return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect(Number(port || 80), hostname.replace(/^\[|\]$/g, ''));
    socket
      .once('connect', () => resolve(false))
      .once('connect', () => socket.destroy())
      .once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  });
}

async function look(client: Client, id: string, since: string): Promise<Answer | null> {
  const { found } = await client.ask(LOOK, { id, since });
  return found && found.status !== 'DELETED' ? found : null;
}

function missed({ waiting, lost }: Answer, topic: string): string[] {
  const lines: string[] = [];
  if (waiting.totalCount > 0)
    lines.push(`Missed: ${counted(waiting.totalCount)} of ${topic} ${waiting.totalCount === 1 ? 'waits' : 'wait'} and will follow.`);
  if (lost.totalCount > 0)
    lines.push(
      `Missed: ${counted(lost.totalCount)} of ${topic} ${lost.totalCount === 1 ? 'was' : 'were'} not delivered and will not follow; \`hookgraph replay "${nameOf(topic)}"\` sends what was missed.`,
    );
  return lines.length > 0 ? lines : [`No notification of ${topic} was missed.`];
}

const counted = (count: number): string => `${count} ${count === 1 ? 'notification' : 'notifications'}`;
