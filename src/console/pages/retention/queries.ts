// The operations of the days for which history is kept, and the kinds of history.
import { graphql, type ResultOf } from '../../app/graphql';

const days = graphql(`
  fragment Days on WebhookRetentionDays @_unmask { bodyDays attemptDays errorDays eventDays }
`);

export const RETENTION = graphql(
  `
  query Retention {
    webhookRetention {
      own { ...Days }
      installation { ...Days }
      changes(first: 25) { nodes { databaseId at changedBy tokenName before { ...Days } after { ...Days } } }
    }
  }
`,
  [days],
);

export const KEEP = graphql(
  `
  mutation KeepHistory($input: UpdateWebhookRetentionInput) {
    updateWebhookRetention(input: $input) {
      errors { field fullMessage message path type }
      webhookRetention { own { ...Days } }
    }
  }
`,
  [days],
);

export type Retention = ResultOf<typeof RETENTION>['webhookRetention'];
export type Days = Retention['own'];
export type Change = Retention['changes']['nodes'][number];

export const KINDS = [
  { field: 'bodyDays', label: 'Requests and responses', help: 'Headers and bodies of attempts that succeeded or were skipped.' },
  { field: 'attemptDays', label: 'Attempts', help: 'Attempts that succeeded or were skipped: when, where to, with which outcome.' },
  { field: 'errorDays', label: 'Failed attempts', help: 'Attempts that failed or were held, with their requests and responses.' },
  { field: 'eventDays', label: 'Events and deliveries', help: 'Recorded changes, and deliveries that ended.' },
] as const satisfies { field: keyof Days; label: string; help: string }[];

export const daysText = (days: number | null): string => (days === null ? 'without limit' : days === 1 ? '1 day' : `${days} days`);
