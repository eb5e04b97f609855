// Creates, updates and deletes subscriptions through the API. A saved subscription comes with warnings and, if the input
// requests a test, with the test's report.
import { RuntimeError } from '../runtime/runtime-error.js';
import type { Answer, Client } from './client.js';
import { REPORT } from './report.js';
import type { Input } from './subscription-input.js';
import { suggestTopic } from './suggest.js';

const saving = (
  name: string,
  more = '',
) => `mutation ($webhookSubscription: WebhookSubscriptionInput) { ${name}(webhookSubscription: $webhookSubscription) {
  errors { field fullMessage type } warnings { field fullMessage } report { ${REPORT} } ${more}
  webhookSubscription { id databaseId name version status topic { key version } callbackUrl hasSharedSecret auth { __typename } } } }`;
export const CREATE = saving('createWebhookSubscription');
export const UPDATE = saving('updateWebhookSubscription', 'missedEvents { count isAtLeast since }');

export interface Saved {
  webhookSubscription: {
    id: string;
    databaseId: string;
    name: string | null;
    version: number;
    status: string;
    topic: { key: string; version: string };
    callbackUrl: string | null;
    hasSharedSecret: boolean;
    auth: object | null;
  };
  warnings: { field: string; fullMessage: string }[];
  report: Answer | null;
  /** The events that were missed while the subscription was disabled, when the update has enabled it. */
  missedEvents?: { count: number; isAtLeast: boolean; since: string } | null;
}

export async function save(client: Client, mutation: string, webhookSubscription: Input): Promise<Saved> {
  return client.mutate(mutation, { webhookSubscription }).catch(async (error: RuntimeError) => {
    const key = (webhookSubscription.topic as { key?: string } | undefined)?.key;
    const suggestion = key !== undefined && error.message.startsWith('Topic not found') ? await suggestTopic(client, key) : '';
    throw suggestion === '' ? error : new RuntimeError(error.code, error.message.replace(/$/m, `.${suggestion}`), error.hint);
  });
}

export const DELETE = `mutation ($webhookSubscription: WebhookSubscriptionInput) {
  deleteWebhookSubscription(webhookSubscription: $webhookSubscription) { errors { field fullMessage type } } }`;

export const called = ({ name, id }: { name: string | null; id: string }): string => (name ? `“${name.replace(/\s+/g, ' ')}”` : id);

/** Says how many events were missed, and the command that sends them; `null` when there is none. */
export function missedNote({ webhookSubscription, missedEvents }: Pick<Saved, 'missedEvents' | 'webhookSubscription'>): string | null {
  if (!missedEvents) return null;
  const { count, isAtLeast, since } = missedEvents;
  const events = `${isAtLeast ? 'at least ' : ''}${count} ${count === 1 ? 'event was' : 'events were'}`;
  const replay = `hookgraph replay ${webhookSubscription.databaseId} --from ${since}`;
  return `${events.charAt(0).toUpperCase()}${events.slice(1)} missed since ${since}. Send ${count === 1 ? 'it' : 'them'} with: ${replay}`;
}
