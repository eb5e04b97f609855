// Lists errors, which are failed attempts, and deletes those that are selected, or all that match.
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { graphql, type ResultOf } from '../../app/graphql';
import { SLOW_MS, useAct, useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Badge } from '../../kit/badge';
import { Button } from '../../kit/button';
import { Filters, Select } from '../../kit/field';
import { Empty, Loaded, LoadFailed } from '../../kit/loaded';
import { Confirm } from '../../kit/overlay';
import { Page, Section } from '../../kit/page';
import { Pager } from '../../kit/pager';
import { SelectionBar } from '../../kit/selection-bar';
import { type Column, rowLinkClass, Table } from '../../kit/table';
import { Time } from '../../kit/time';
import { notify } from '../../kit/toast';
import { BulkActions } from '../history/bulk-actions';
import { ErrorCount } from '../history/error-count';
import styles from '../history/history.module.css';
import { WebhookSelect } from '../history/webhook-select';
import { nodeName, STAGE_TEXTS, STAGES, stageText, webhookName } from '../history/words';
import type { ErrorsSearch } from './search';

const ERRORS = graphql(`
  query Errors($first: Int, $after: String, $id: ID, $stage: WebhookStage) {
    webhookErrors(first: $first, after: $after, webhookSubscriptionId: $id, stage: $stage) {
      nodes {
        id databaseId outcome stage message createdAt nodeId
        nodeLabel @_optional
        topic { key }
        webhookSubscription { id name }
        webhookDelivery { id state }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);
const COUNT = graphql(`
  query CountErrors($id: ID, $stage: WebhookStage) {
    webhookErrors(first: 1, webhookSubscriptionId: $id, stage: $stage) { totalCount }
  }
`);
const DELETE = graphql(`
  mutation DeleteErrors($ids: [ID!]) {
    deleteWebhookErrors(ids: $ids) { errors { field message fullMessage path type } deletedIds }
  }
`);
const DELETE_ALL = graphql(`
  mutation DeleteMatchingErrors($input: DeleteMatchingWebhookErrorsInput!) {
    deleteMatchingWebhookErrors(input: $input) { errors { field message fullMessage path type } webhookBulkAction { id } }
  }
`);

type ListedError = ResultOf<typeof ERRORS>['webhookErrors']['nodes'][number];

const PER_PAGE = 50;
const allRoute = getRouteApi('/errors');
const tabRoute = getRouteApi('/webhooks/$webhookId/errors');

/** The errors of all webhooks. */
export function ErrorsPage() {
  const search = allRoute.useSearch();
  return (
    <Page
      title="Errors"
      beside={<ErrorCount webhook={search.webhook} />}
      lead="Attempts that failed, or had nothing to send. Delete what you have dealt with: the attempts are kept."
    >
      <ErrorList search={search} />
    </Page>
  );
}

/** The errors of one webhook, as a tab of its page. */
export function ErrorsTab() {
  const { webhookId } = tabRoute.useParams();
  return (
    <Section title="Errors">
      <ErrorList search={tabRoute.useSearch()} webhookId={webhookId} />
    </Section>
  );
}

/** `webhookId`: the only webhook whose errors are shown; absent: the search may name one. */
function ErrorList({ search, webhookId }: { search: ErrorsSearch; webhookId?: string }) {
  const navigate = useNavigate();
  const { unavailable } = useRights();
  const [selected, setSelected] = useState<Set<string>>(new Set());
  const [isDeletingAll, setDeletingAll] = useState(false);
  const deleting = useAct(DELETE);
  const conditions = { id: webhookId ?? search.webhook ?? null, stage: search.stage ?? null };
  const query = useApi(ERRORS, { ...conditions, first: PER_PAGE, after: search.after ?? null }, { poll: SLOW_MS });
  const go = useCallback(
    (change: ErrorsSearch) => {
      setSelected(new Set());
      void navigate({ to: '.', search: (before: ErrorsSearch) => ({ ...before, after: undefined, ...change }) });
    },
    [navigate],
  );
  const isFiltered = search.webhook !== undefined || search.stage !== undefined;
  const deleteSelected = async () => {
    const { data, ok } = await deleting.run({ ids: [...selected] });
    if (!ok) return;
    const count = data?.deleteWebhookErrors.deletedIds.length ?? 0;
    notify({ text: `Deleted ${count} ${count === 1 ? 'error' : 'errors'}. The attempts are kept.` });
    setSelected(new Set());
  };
  return (
    <>
      <Filters onClear={isFiltered ? () => go({ webhook: undefined, stage: undefined }) : undefined}>
        {webhookId === undefined && <WebhookSelect value={search.webhook} onChange={(webhook) => go({ webhook })} />}
        <Select
          aria-label="Stage"
          value={search.stage ?? ''}
          choices={[['', 'Any stage'] as const, ...STAGES.map((stage) => [stage, STAGE_TEXTS[stage] ?? stage] as const)]}
          onChange={(stage) => go({ stage: stage || undefined })}
        />
      </Filters>
      <BulkActions />
      <Loaded query={query} what="errors">
        {({ webhookErrors: { nodes, pageInfo } }) =>
          nodes.length === 0 ? (
            <Nothing isFiltered={isFiltered} onClear={() => void navigate({ to: '.', search: {} })} />
          ) : (
            <>
              <SelectionBar
                count={selected.size}
                what="errors"
                action="Delete"
                isDangerous
                isBusy={deleting.isRunning}
                unavailable={unavailable}
                onAct={() => void deleteSelected()}
                onActOnAll={() => setDeletingAll(true)}
                onClear={() => setSelected(new Set())}
              />
              <Table<ListedError>
                label="Errors"
                columns={webhookId === undefined ? COLUMNS : COLUMNS.filter(({ head }) => head !== 'Webhook')}
                rows={[...nodes]}
                rowKey={({ id }) => id}
                selection={{ selected, onChange: setSelected, nameOf: ({ databaseId }) => `error ${databaseId}` }}
              />
              <Pager
                hasPrevious={search.after !== undefined}
                hasNext={pageInfo.hasNextPage}
                onFirst={() => go({})}
                onNext={() => go({ after: pageInfo.endCursor ?? undefined })}
              />
            </>
          )
        }
      </Loaded>
      {isDeletingAll && <DeleteAll conditions={conditions} onClose={() => setDeletingAll(false)} onDone={() => setSelected(new Set())} />}
    </>
  );
}

interface Conditions {
  id: string | null;
  stage: ErrorsSearch['stage'] | null;
}

function DeleteAll({ conditions, onClose, onDone }: { conditions: Conditions; onClose(): void; onDone(): void }) {
  const counting = useApi(COUNT, conditions, { keep: false });
  const { run, isRunning } = useAct(DELETE_ALL);
  const count = counting.data?.webhookErrors.totalCount;
  const start = async () => {
    if (!(await run({ input: { webhookSubscriptionId: conditions.id, stage: conditions.stage } })).ok) return;
    notify({ text: 'The errors are being deleted.' });
    onDone();
    onClose();
  };
  return (
    <Confirm
      title="Delete all errors that match"
      action={count === undefined ? 'Delete' : `Delete ${count.toLocaleString()}`}
      isDangerous
      isBusy={isRunning}
      onConfirm={() => void start()}
      onClose={onClose}
    >
      {counting.error ? (
        <LoadFailed what="the number of errors" query={counting} />
      ) : (
        <p role="status">
          {count === undefined
            ? 'Counting…'
            : `${count.toLocaleString()} ${count === 1 ? 'error matches' : 'errors match'} the filters. Their attempts are kept.`}
        </p>
      )}
    </Confirm>
  );
}

function Nothing({ isFiltered, onClear }: { isFiltered: boolean; onClear(): void }) {
  if (isFiltered)
    return (
      <Empty title="No error matches" action={<Button onPress={onClear}>Show all errors</Button>}>
        <p>Every attempt that matches succeeded, or its error was deleted.</p>
      </Empty>
    );
  return (
    <Empty title="No errors">
      <p>Every attempt succeeded, or its error was deleted.</p>
    </Empty>
  );
}

const COLUMNS: Column<ListedError>[] = [
  {
    head: 'Error',
    cell: ({ databaseId, stage, message, webhookDelivery }) => (
      <div className={styles.two}>
        {webhookDelivery ? (
          <Link to="/deliveries/$id" params={{ id: webhookDelivery.id }} search={{ error: databaseId }} className={rowLinkClass}>
            {stageText(stage)}
          </Link>
        ) : (
          stageText(stage)
        )}
        <span className={styles.message}>{message}</span>
      </div>
    ),
  },
  { head: 'Webhook', isPlain: true, cell: ({ webhookSubscription }) => webhookName(webhookSubscription) },
  {
    head: 'Notification',
    isPlain: true,
    cell: (error) => (
      <div className={styles.two}>
        <span>{error.topic?.key}</span>
        <span className={styles.sub}>{nodeName(error)}</span>
      </div>
    ),
  },
  {
    head: 'Since then',
    isPlain: true,
    cell: ({ webhookDelivery }) =>
      webhookDelivery?.state === 'DELIVERED' ? <Badge tone="good">Delivered</Badge> : <Badge tone="idle">Not delivered</Badge>,
  },
  {
    head: 'At',
    align: 'right',
    isPlain: true,
    cell: ({ createdAt }) => (
      <span className={styles.when}>
        <Time at={createdAt} style="ago" />
      </span>
    ),
  },
];
