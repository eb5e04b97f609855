// Shows how long the organization keeps history, lets an admin change it, and lists earlier changes.
import { useApi } from '../../app/queries';
import { useRights } from '../../app/viewer';
import { Empty, Loaded } from '../../kit/loaded';
import { Card, Page, Section } from '../../kit/page';
import { type Column, Table } from '../../kit/table';
import { Time } from '../../kit/time';
import { DaysForm } from './days-form';
import { type Change, daysText, KINDS, RETENTION } from './queries';

const COLUMNS: Column<Change>[] = [
  { head: 'Changed', cell: (change) => changeText(change) },
  { head: 'By', cell: ({ tokenName, changedBy }) => (tokenName ? `The token “${tokenName}”` : `User ${changedBy}`) },
  { head: 'At', align: 'right', cell: ({ at }) => <Time at={at} /> },
];

const ownText = (days: number | null): string => (days === null ? 'as the installation' : daysText(days));

function changeText({ before, after }: Change): string {
  return KINDS.filter(({ field }) => before[field] !== after[field])
    .map(({ field, label }) => `${label}: ${ownText(before[field])} → ${ownText(after[field])}`)
    .join('; ');
}

export function RetentionPage() {
  const { unavailable } = useRights();
  const query = useApi(RETENTION, {}, { enabled: unavailable === null });
  return (
    <Page title="Retention" lead="For how many days your organization keeps history. You can keep less of it than the installation does.">
      {unavailable === null ? (
        <Loaded query={query} what="the days">
          {({ webhookRetention: retention }) => (
            <>
              <Card>
                {/* Another answer begins the form anew, such as after a save. */}
                <DaysForm key={JSON.stringify(retention.own)} retention={retention} />
              </Card>
              <Section title="Changes">
                {retention.changes.nodes.length === 0 ? (
                  <Empty title="Nobody has changed the days" />
                ) : (
                  <Table label="Changes" columns={COLUMNS} rows={retention.changes.nodes} rowKey={({ databaseId }) => databaseId} />
                )}
              </Section>
            </>
          )}
        </Loaded>
      ) : (
        <Empty title="Only admins see how long history is kept">
          <p>{unavailable}</p>
        </Empty>
      )}
    </Page>
  );
}
