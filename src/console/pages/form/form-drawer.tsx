// The form for a new webhook.
import { useNavigate } from '@tanstack/react-router';
import { Drawer } from '../../kit/overlay';

export function NewWebhookDrawer() {
  const navigate = useNavigate();
  return (
    <Drawer title="Create Webhook" onClose={() => void navigate({ to: '/webhooks', search: true })}>
      <p>Create it with the mutation createWebhookSubscription in the explorer.</p>
    </Drawer>
  );
}
