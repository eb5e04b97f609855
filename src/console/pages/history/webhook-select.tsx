// Chooses one webhook, or all.
import { graphql } from '../../app/graphql';
import { useApi } from '../../app/queries';
import { Select } from '../../kit/field';
import { webhookName } from './words';

const WEBHOOK_NAMES = graphql(`
  query WebhookNames {
    webhookSubscriptions(first: 100, orderBy: NAME_ASC) { nodes { id name topic { key } } }
  }
`);

/** `value`: the id of the webhook; absent: all. */
export function WebhookSelect({ value, onChange }: { value: string | undefined; onChange(webhook: string | undefined): void }) {
  const { data } = useApi(WEBHOOK_NAMES, {});
  const known = data?.webhookSubscriptions.nodes ?? [];
  const choices = known.map((webhook) => [webhook.id, `${webhookName(webhook)} · ${webhook.topic?.key ?? ''}`] as const);
  // The id in the URL can also be that of a deleted webhook, or of a webhook beyond the first 100.
  const isOther = value !== undefined && !known.some(({ id }) => id === value);
  const all = [['', 'All webhooks'] as const, ...(isOther ? [[value, 'Another webhook'] as const] : []), ...choices];
  return <Select aria-label="Webhook" value={value ?? ''} choices={all} onChange={(id) => onChange(id || undefined)} />;
}
