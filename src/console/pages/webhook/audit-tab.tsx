// The audit log of one webhook.
import { getRouteApi } from '@tanstack/react-router';
import { useApi } from '../../app/queries';
import { Empty, Loaded } from '../../kit/loaded';
import { Section } from '../../kit/page';
import { AuditTable } from '../audit/audit-table';
import { AUDIT_OF_WEBHOOK } from '../audit/queries';

const route = getRouteApi('/webhooks/$webhookId/audit');

export function WebhookAuditTab() {
  const { webhookId } = route.useParams();
  const query = useApi(AUDIT_OF_WEBHOOK, { id: webhookId, first: 100 }, { poll: 10_000 });
  return (
    <Section title="Audit log">
      <Loaded query={query} what="the audit log">
        {({ webhookSubscription }) => {
          const entries = webhookSubscription?.auditLog.nodes ?? [];
          return entries.length === 0 ? <Empty title="Nothing has happened yet" /> : <AuditTable entries={entries} isOfOne />;
        }}
      </Loaded>
    </Section>
  );
}
