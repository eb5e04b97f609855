// Shows the audit log of all webhooks.
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useApi } from '../../app/queries';
import { Filters, Select } from '../../kit/field';
import { Empty, Loaded } from '../../kit/loaded';
import { Page } from '../../kit/page';
import { Pager } from '../../kit/pager';
import { ACTIONS, type Action, type AuditSearch } from './actions';
import { AuditTable, actionText } from './audit-table';
import { AUDIT } from './queries';

const route = getRouteApi('/audit');
const PER_PAGE = 50;
const CHOICES: readonly (readonly ['all' | Action, string])[] = [
  ['all', 'All actions'],
  ...ACTIONS.map((action) => [action, actionText(action)] as const),
];
const ACTORS = [
  ['all', 'Users and rules'],
  ['users', 'Only users'],
  ['rules', 'Only rules'],
] as const;

export function AuditPage() {
  const { action, by, after } = route.useSearch();
  const navigate = useNavigate();
  const filter = (change: AuditSearch) => void navigate({ to: '/audit', search: { action, by, ...change }, replace: true });
  const query = useApi(
    AUDIT,
    { first: PER_PAGE, after: after ?? null, actions: action ? [action] : null, byRule: by ? by === 'rules' : null },
    { poll: 10_000 },
  );
  return (
    <Page title="Audit log" lead="Who changed what, and what Hookgraph’s own rules did. Entries are never changed.">
      <Filters onClear={action || by ? () => filter({ action: undefined, by: undefined }) : undefined}>
        <Select
          aria-label="Action"
          value={action ?? 'all'}
          choices={CHOICES}
          onChange={(value) => filter({ action: value === 'all' ? undefined : value })}
        />
        <Select
          aria-label="Actor"
          value={by ?? 'all'}
          choices={ACTORS}
          onChange={(value) => filter({ by: value === 'all' ? undefined : value })}
        />
      </Filters>
      <Loaded query={query} what="the audit log">
        {({ webhookAuditLog: { nodes, pageInfo } }) =>
          nodes.length === 0 ? (
            <Empty title={action || by ? 'No entry matches' : 'Nothing has happened yet'} />
          ) : (
            <>
              <AuditTable entries={nodes} />
              <Pager
                hasPrevious={after !== undefined}
                hasNext={pageInfo.hasNextPage}
                onFirst={() => filter({})}
                onNext={() => filter({ after: pageInfo.endCursor ?? undefined })}
              />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}
