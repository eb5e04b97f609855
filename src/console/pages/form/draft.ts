// Declares the values of the form, and what an empty form holds.

export type DestinationKind = 'HTTPS' | 'SNS' | 'MANAGED_SNS' | 'SQS' | 'EVENT_BRIDGE';

/** The inner fields of a destination such as `sqs`, by name. */
export type Settings = Record<string, string | boolean>;

export interface HeaderRow {
  name: string;
  /** Blank for a saved header, which then keeps its value. */
  value: string;
}

export type TimeUnit = 'SECONDS' | 'MINUTES' | 'HOURS' | 'DAYS';

export interface Draft {
  name: string;
  description: string;
  /** The id of the topic. */
  topic: string;
  /** For a new webhook: ids of further topics, each of which gets a webhook of its own. */
  moreTopics: string[];
  contentType: 'JSON' | 'XML';
  destination: DestinationKind;
  callbackUrl: string;
  sns: Settings;
  sqs: Settings;
  eventBridge: Settings;
  integrationId: string;
  /** KEEP: the saved secret stays. */
  secret: { mode: 'NONE' | 'KEEP' | 'SET'; value: string };
  query: string;
  validationTemplate: string;
  template: string;
  errorTemplate: string;
  test: boolean;
  enabled: boolean;
  auth: {
    kind: 'NONE' | 'BASIC' | 'TOKEN' | 'OAUTH2';
    username: string;
    password: string;
    token: string;
    scheme: string;
    tokenUrl: string;
    clientId: string;
    clientSecret: string;
    scope: string;
    audience: string;
    clientAuthentication: 'BASIC' | 'POST';
  };
  headers: HeaderRow[];
  environmentIds: string[];
  signatures: string[];
  phase: 'AFTER' | 'BEFORE';
  onFailure: 'ALLOW' | 'REFUSE';
  timeoutMs: string;
  coalescing: 'TRANSACTION' | 'NONE';
  ordering: 'NONE' | 'PER_NODE' | 'LATEST_ONLY';
  numbered: boolean;
  skipUnread: boolean;
  relatedChanges: boolean;
  retry: { maxTries: string; maxTime: string; unit: TimeUnit };
  rateLimit: { perSecond: string; concurrency: string };
  recording: { bodies: boolean; maskedPaths: string };
}

export const EMPTY: Draft = {
  name: '',
  description: '',
  topic: '',
  moreTopics: [],
  contentType: 'JSON',
  destination: 'HTTPS',
  callbackUrl: '',
  sns: {},
  sqs: {},
  eventBridge: {},
  integrationId: '',
  secret: { mode: 'NONE', value: '' },
  query: '',
  validationTemplate: '',
  template: '',
  errorTemplate: '',
  test: false,
  enabled: true,
  auth: {
    kind: 'NONE',
    username: '',
    password: '',
    token: '',
    scheme: '',
    tokenUrl: '',
    clientId: '',
    clientSecret: '',
    scope: '',
    audience: '',
    clientAuthentication: 'BASIC',
  },
  headers: [],
  environmentIds: [],
  signatures: ['SCOPE'],
  phase: 'AFTER',
  onFailure: 'ALLOW',
  timeoutMs: '',
  coalescing: 'TRANSACTION',
  ordering: 'NONE',
  numbered: false,
  skipUnread: false,
  relatedChanges: false,
  retry: { maxTries: '', maxTime: '', unit: 'DAYS' },
  rateLimit: { perSecond: '', concurrency: '' },
  recording: { bodies: true, maskedPaths: '' },
};

export const MS_OF: Record<TimeUnit, number> = { SECONDS: 1_000, MINUTES: 60_000, HOURS: 3_600_000, DAYS: 86_400_000 };

/** The input field of each kind of destination. */
export const FIELD_OF = {
  HTTPS: 'callbackUrl',
  SNS: 'sns',
  MANAGED_SNS: 'sns',
  SQS: 'sqs',
  EVENT_BRIDGE: 'eventBridge',
} as const satisfies Record<DestinationKind, string>;
