// Lists integrations with their webhooks, and switches all webhooks of an integration off and on.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { graphql, type ResultOf } from '../../app/graphql';
import { useAct, useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Badge } from '../../kit/badge';
import { Button } from '../../kit/button';
import { Filters, Search } from '../../kit/field';
import { Empty, Loaded } from '../../kit/loaded';
import { Confirm } from '../../kit/overlay';
import { Page } from '../../kit/page';
import { type Column, Table } from '../../kit/table';
import { notify } from '../../kit/toast';
import styles from './integrations.module.css';

const INTEGRATIONS = graphql(`
  query Integrations($search: String) {
    webhookIntegrations(first: 100, search: $search) { id label }
    webhookSubscriptions(first: 100) {
      nodes { id name status disabledReason integrationId }
    }
  }
`);

const SWITCH = graphql(`
  mutation SwitchIntegration($integrationId: ID!, $disabled: Boolean!) {
    switchWebhookIntegration(integrationId: $integrationId, disabled: $disabled) {
      errors { field fullMessage message path type }
      switchedCount
    }
  }
`);

type Answer = ResultOf<typeof INTEGRATIONS>;
type Grouped = Answer['webhookIntegrations'][number] & { webhooks: Answer['webhookSubscriptions']['nodes'] };

const route = getRouteApi('/integrations');

export function IntegrationsPage() {
  const { search } = route.useSearch();
  const navigate = useNavigate();
  const query = useApi(INTEGRATIONS, { search: search ?? null }, { poll: 10_000 });
  const onSearch = useCallback(
    (text: string) => void navigate({ to: '/integrations', search: { search: text || undefined }, replace: true }),
    [navigate],
  );
  return (
    <Page title="Integrations" lead="Webhooks that belong together, which you can switch off and on at once.">
      <Filters>
        <Search label="Search integrations" value={search ?? ''} onChange={onSearch} />
      </Filters>
      <Loaded query={query} what="the integrations">
        {(answer) => <Groups groups={groupsOf(answer)} isFiltered={search !== undefined} />}
      </Loaded>
    </Page>
  );
}

function groupsOf({ webhookIntegrations, webhookSubscriptions }: Answer): Grouped[] {
  const groups = webhookIntegrations.map((integration) => ({
    ...integration,
    webhooks: webhookSubscriptions.nodes.filter(({ integrationId }) => integrationId === integration.id),
  }));
  // Those with webhooks first.
  return groups.sort((a, b) => Number(b.webhooks.length > 0) - Number(a.webhooks.length > 0));
}

function Groups({ groups, isFiltered }: { groups: Grouped[]; isFiltered: boolean }) {
  const [switching, setSwitching] = useState<Grouped | null>(null);
  const { unavailable } = useRights();
  if (groups.length === 0)
    return (
      <Empty title={isFiltered ? 'No integration matches' : 'There are no integrations'}>
        <p>A webhook can belong to an integration, which is chosen in its form.</p>
      </Empty>
    );
  const columns: Column<Grouped>[] = [
    { head: 'Integration', cell: ({ label }) => <strong>{label}</strong> },
    { head: 'Webhooks', cell: ({ webhooks }) => <Webhooks webhooks={webhooks} /> },
    { head: 'State', cell: ({ webhooks }) => <GroupState webhooks={webhooks} /> },
    {
      head: 'Action',
      align: 'right',
      cell: (group) => (
        <Button
          unavailable={unavailable ?? (group.webhooks.length === 0 ? 'No webhook of yours belongs to this integration.' : null)}
          aria-label={`${isOff(group) ? 'Switch on' : 'Switch off'}: ${group.label}`}
          onPress={() => setSwitching(group)}
        >
          {isOff(group) ? 'Switch on' : 'Switch off'}
        </Button>
      ),
    },
  ];
  return (
    <>
      <Table label="Integrations" columns={columns} rows={groups} rowKey={({ id }) => id} />
      {switching && <SwitchDialog group={switching} onClose={() => setSwitching(null)} />}
    </>
  );
}

/** Whether the integration was switched off, so that switching it on enables webhooks again. */
const isOff = ({ webhooks }: Grouped): boolean => webhooks.some(({ disabledReason }) => disabledReason === 'INTEGRATION');

function Webhooks({ webhooks }: { webhooks: Grouped['webhooks'] }) {
  if (webhooks.length === 0) return <span className={styles.none}>None</span>;
  return (
    <ul className={styles.webhooks}>
      {webhooks.map(({ id, name }) => (
        <li key={id}>
          <Link to="/webhooks/$webhookId" params={{ webhookId: id }}>
            {name ?? 'Webhook without a name'}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function GroupState({ webhooks }: { webhooks: Grouped['webhooks'] }) {
  if (webhooks.length === 0) return null;
  const on = webhooks.filter(({ status }) => status !== 'DISABLED').length;
  if (on === 0) return <Badge tone="idle">Off</Badge>;
  return <Badge tone="good">{on === webhooks.length ? 'On' : `${on} of ${webhooks.length} on`}</Badge>;
}

function SwitchDialog({ group, onClose }: { group: Grouped; onClose(): void }) {
  const { run, isRunning } = useAct(SWITCH);
  const disabled = !isOff(group);
  const onConfirm = async () => {
    const { ok, data } = await run({ integrationId: group.id, disabled });
    const count = data?.switchWebhookIntegration.switchedCount ?? 0;
    if (ok) notify({ text: `${disabled ? 'Switched off' : 'Switched on'}: ${count === 1 ? '1 webhook' : `${count} webhooks`}` });
    onClose();
  };
  return (
    <Confirm
      title={disabled ? `Switch off “${group.label}”?` : `Switch on “${group.label}”?`}
      action={disabled ? 'Switch off' : 'Switch on'}
      isBusy={isRunning}
      onConfirm={() => void onConfirm()}
      onClose={onClose}
    >
      <p>
        {disabled
          ? 'All your webhooks of this integration stop sending. Deliveries that are still to come wait.'
          : 'The webhooks that were switched off with the integration send again. Those that were disabled on their own stay disabled.'}
      </p>
    </Confirm>
  );
}
