// Shows which fields of which tables are sent, and to which host.
import { useApi } from '../../app/queries';
import { Loaded } from '../../kit/loaded';
import { Card, Facts, Section } from '../../kit/page';
import { EGRESS } from './queries';

interface LeavingField {
  source: string;
  nodeType: string;
  field: string;
  table: string | null;
  column: string | null;
}

const SOURCES: Record<string, string> = {
  QUERY: 'selected by the query',
  EVENT: 'read from the event by the template',
  PAYLOAD: 'part of the default payload',
};

export function EgressSection({ id }: { id: string }) {
  const query = useApi(EGRESS, { id });
  return (
    <Section title="What leaves">
      <Loaded query={query} what="what leaves">
        {({ webhookSubscription }) =>
          webhookSubscription && (
            <Card>
              <p>
                Sent to <code>{webhookSubscription.egress.destination}</code>. A template may send less than the query selects.
              </p>
              <Facts facts={byTable(webhookSubscription.egress.fields)} />
            </Card>
          )
        }
      </Loaded>
    </Section>
  );
}

/** Returns one line for each table, and one for the computed fields of each type. */
function byTable(fields: readonly LeavingField[]): [string, string][] {
  const groups = new Map<string, string[]>();
  for (const { nodeType, table, source, field, column } of fields) {
    const group = `${table ?? `${nodeType}, computed`} (${SOURCES[source] ?? source.toLowerCase()})`;
    groups.set(group, [...(groups.get(group) ?? []), column ?? field]);
  }
  return [...groups].map(([group, names]) => [group, names.join(', ')]);
}
