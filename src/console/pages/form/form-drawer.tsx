// The form for a new webhook and for a saved one, as a drawer from the right.
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useApi } from '../../app/queries';
import { LoadFailed, Loading } from '../../kit/loaded';
import { Drawer } from '../../kit/overlay';
import type { FormChoices } from './choices.js';
import { CHOICES, LOAD } from './operations';
import type { Saved } from './saved.js';
import { useAllTopics } from './topics';
import { WebhookForm } from './webhook-form';
import styles from './webhook-form.module.css';

const newRoute = getRouteApi('/webhooks/new');
const editRoute = getRouteApi('/webhooks/$webhookId/edit');

export function NewWebhookDrawer() {
  const { topic, query } = newRoute.useSearch();
  return <FormDrawer id={null} given={{ topic, query }} />;
}

export function EditWebhookDrawer() {
  const { webhookId } = editRoute.useParams();
  const { field } = editRoute.useSearch();
  return <FormDrawer id={webhookId} given={{ field }} />;
}

interface DrawerProps {
  id: string | null;
  /** What another page has chosen: the key of a topic, a query from the explorer, or the field to change. */
  given: { topic?: string | undefined; query?: string | undefined; field?: string | undefined };
}

/** One drawer for all its contents, so that it slides in only once. The form puts its buttons into the footer. */
function FormDrawer({ id, given }: DrawerProps) {
  const navigate = useNavigate();
  const [footer, setFooter] = useState<HTMLElement | null>(null);
  const [created, setCreated] = useState<string | null>(null);
  // Opens the page of a webhook that was created, because this page shows whether notifications arrive.
  const close = (webhookId = created ?? id) =>
    void (webhookId === null ? navigate({ to: '/webhooks' }) : navigate({ to: '/webhooks/$webhookId', params: { webhookId } }));
  const list = (name: string) => void navigate({ to: '/webhooks', search: { search: name } });
  const title = id === null ? 'Create Webhook' : 'Edit Webhook';
  return (
    <Drawer title={title} onClose={() => close()} isWide footer={<div ref={setFooter} className={styles.footer} />}>
      <Content id={id} given={given} title={title} footer={footer} onSaved={setCreated} onClose={close} onSeveral={list} />
    </Drawer>
  );
}

interface ContentProps extends DrawerProps {
  title: string;
  footer: HTMLElement | null;
  onSaved(id: string): void;
  onClose(webhookId?: string): void;
  onSeveral(name: string): void;
}

function Content({ id, ...form }: ContentProps) {
  const choices = useApi(CHOICES, {});
  const topics = useAllTopics(choices.data?.webhookTopics);
  const saved = useApi(LOAD, { id: id ?? '' }, { enabled: id !== null, keep: false });
  const failed = choices.error ? choices : saved.error ? saved : null;
  if (!choices.data || !topics || (id !== null && !saved.data))
    return failed ? <LoadFailed what="the form" query={failed} /> : <Loading what="the form" />;
  const subscription = (saved.data?.webhookSubscription ?? null) as Saved | null;
  if (id !== null && !subscription) return <p role="alert">This webhook does not exist, or it is not yours.</p>;
  return <WebhookForm key={id} saved={subscription} choices={{ ...(choices.data as Omit<FormChoices, 'topics'>), topics }} {...form} />;
}
