// The frame of one webhook's pages: its name and state, what can be done with it, and the tabs.
import { getRouteApi, Link, Outlet } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ListLink } from '../../app/list-link';
import { useApi } from '../../app/queries';
import { Badge, Count } from '../../kit/badge';
import { Banner } from '../../kit/banner';
import { Empty, Loaded, LoadFailed } from '../../kit/loaded';
import { Page } from '../../kit/page';
import { Tabs, tabClass } from '../../kit/tabs';
import { Time } from '../../kit/time';
import { ErrorCount } from '../history/error-count';
import { destinationOf, stateOf } from '../webhooks/parts';
import { WebhookActions } from './actions';
import styles from './overview.module.css';
import { WEBHOOK, type Webhook } from './queries';
import { SwitchedOff } from './switched-off';

const POLL_MS = 5_000;
const route = getRouteApi('/webhooks/$webhookId');

/** Reads the webhook of the present route. All pages of a webhook share one request. */
export function useWebhook() {
  const { webhookId } = route.useParams();
  return useApi(WEBHOOK, { id: webhookId }, { poll: POLL_MS, keep: false });
}

export function WebhookPage() {
  const query = useWebhook();
  if (query.data === undefined)
    return (
      <Page title="Webhook" above={<ListLink to="/webhooks">Webhooks</ListLink>}>
        <Loaded query={query} what="the webhook">
          {() => null}
        </Loaded>
      </Page>
    );
  const webhook = query.data.webhookSubscription;
  if (!webhook) return <Missing />;
  return <Found webhook={webhook} failed={query.error && <LoadFailed what="the webhook" query={query} isOld />} />;
}

function Missing() {
  return (
    <Page title="No such webhook">
      <Empty title="You have no webhook with this id" action={<Link to="/webhooks">All webhooks</Link>}>
        <p>It was deleted, or belongs to somebody else.</p>
      </Empty>
    </Page>
  );
}

/** `failed`: says that the newest request failed. */
function Found({ webhook, failed }: { webhook: Webhook; failed: ReactNode }) {
  const { text, tone } = stateOf(webhook, null);
  const { kind, address } = destinationOf(webhook);
  const params = { webhookId: webhook.id };
  return (
    <Page
      title={webhook.name ?? 'Webhook without a name'}
      above={<ListLink to="/webhooks">Webhooks</ListLink>}
      beside={<Badge tone={tone}>{text}</Badge>}
      lead={
        <>
          <code>{webhook.topic?.key}</code> → {kind} <code>{address}</code>
          {webhook.description && <span className={styles.description}>{webhook.description}</span>}
        </>
      }
      actions={<WebhookActions webhook={webhook} />}
    >
      {failed}
      {webhook.disabled && <SwitchedOff webhook={webhook} />}
      {webhook.heldReason && (
        <Banner tone="bad" title="Deliveries are held, because the definition no longer works">
          <p>{webhook.heldReason}</p>
        </Banner>
      )}
      {webhook.pace && webhook.pace.state !== 'LIMITED' && !webhook.disabled && <Slowed pace={webhook.pace} />}
      <Tabs label="Parts of this webhook">
        <Tab to="/webhooks/$webhookId" params={params} exact>
          Overview
        </Tab>
        <Tab to="/webhooks/$webhookId/deliveries" params={params}>
          Deliveries
        </Tab>
        <Tab to="/webhooks/$webhookId/errors" params={params}>
          Errors <ErrorCount webhook={webhook.id} />
        </Tab>
        <Tab to="/webhooks/$webhookId/versions" params={params}>
          Versions <Count>{webhook.version}</Count>
        </Tab>
        <Tab to="/webhooks/$webhookId/audit" params={params}>
          Audit log
        </Tab>
      </Tabs>
      <Outlet />
    </Page>
  );
}

interface TabProps {
  to:
    | '/webhooks/$webhookId'
    | '/webhooks/$webhookId/deliveries'
    | '/webhooks/$webhookId/errors'
    | '/webhooks/$webhookId/versions'
    | '/webhooks/$webhookId/audit';
  params: { webhookId: string };
  exact?: boolean;
  children: React.ReactNode;
}

function Tab({ to, params, exact = false, children }: TabProps) {
  return (
    <Link
      to={to}
      params={params}
      className={tabClass}
      activeOptions={{ exact, includeSearch: false }}
      activeProps={{ 'aria-current': 'page' }}
    >
      {children}
    </Link>
  );
}

function Slowed({ pace: { state, since, resumesAt, perSecond } }: { pace: NonNullable<Webhook['pace']> }) {
  return (
    <Banner tone="warn" title={state === 'PROBING' ? 'The receiver keeps failing' : 'Notifications are slowed down'}>
      <p>
        Since <Time at={since} />.{' '}
        {state === 'PROBING'
          ? 'One delivery at a time is tried, with growing pauses, until one succeeds. Nothing is lost.'
          : `At most ${perSecond ?? 'a few'} a second are sent, as the receiver asked. The rate grows until it asks again.`}
        {resumesAt && (
          <>
            {' '}
            The next one is tried <Time at={resumesAt} style="ago" />.
          </>
        )}
      </p>
    </Banner>
  );
}
