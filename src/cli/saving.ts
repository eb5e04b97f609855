// Creates, updates and deletes subscriptions through the API. A saved subscription comes with warnings and, if the input
// requests a test, with the test's report.
import { RuntimeError } from '../runtime/runtime-error.js';
import type { Answer, Client } from './client.js';
import { REPORT } from './report.js';
import type { Input } from './subscription-input.js';
import { suggestTopic } from './suggest.js';

const saving = (
  name: string,
) => `mutation ($webhookSubscription: WebhookSubscriptionInput) { ${name}(webhookSubscription: $webhookSubscription) {
  errors { field fullMessage type } warnings { field fullMessage } report { ${REPORT} }
  webhookSubscription { id databaseId name version status topic { key version } callbackUrl } } }`;
export const CREATE = saving('createWebhookSubscription');
export const UPDATE = saving('updateWebhookSubscription');

export interface Saved {
  webhookSubscription: {
    id: string;
    databaseId: string;
    name: string | null;
    version: number;
    status: string;
    topic: { key: string; version: string };
  };
  warnings: { field: string; fullMessage: string }[];
  report: Answer | null;
}

export async function save(client: Client, mutation: string, webhookSubscription: Input): Promise<Saved> {
  return client.mutate(mutation, { webhookSubscription }).catch(async (error: RuntimeError) => {
    const key = (webhookSubscription.topic as { key?: string } | undefined)?.key;
    const suggestion = key !== undefined && error.message.startsWith('Topic not found') ? await suggestTopic(client, key) : '';
    throw suggestion === '' ? error : new RuntimeError(error.code, `${error.message}.${suggestion}`, error.hint);
  });
}

export const DELETE = `mutation ($webhookSubscription: WebhookSubscriptionInput) {
  deleteWebhookSubscription(webhookSubscription: $webhookSubscription) { errors { field fullMessage type } } }`;

export const called = ({ name, id }: { name: string | null; id: string }): string => (name ? `“${name.replace(/\s+/g, ' ')}”` : id);
