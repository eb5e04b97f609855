// Declares a saved subscription as the form loads it, and fills the form with it.
import { type DestinationKind, type Draft, EMPTY, MS_OF, type Settings, type TimeUnit } from './draft.js';

/** The saved settings of one kind of destination; `null` when notifications go to another kind. */
type Destination = Readonly<Record<string, string | boolean | null>> | null;

/** The answer of the API. Fields that the host doesn't have, such as `integrationId` without integrations, are absent. */
export interface Saved {
  id: string;
  version: number;
  name: string | null;
  description: string | null;
  topic: { id: string; key: string } | null;
  contentType: Draft['contentType'];
  callbackUrl: string | null;
  sns?: Destination;
  sqs?: Destination;
  eventBridge?: Destination;
  integrationId?: string | null;
  environmentIds?: string[];
  hasSharedSecret: boolean;
  query: string | null;
  validationTemplate: string | null;
  template: string | null;
  errorTemplate: string | null;
  disabled: boolean;
  auth: {
    kind: 'BASIC' | 'TOKEN' | 'OAUTH2';
    scheme: string;
    tokenUrl: string | null;
    clientId: string | null;
    scope: string | null;
    audience: string | null;
    clientAuthentication: 'BASIC' | 'POST' | null;
  } | null;
  headers: { name: string }[];
  signatures: string[];
  phase: Draft['phase'];
  onFailure: Draft['onFailure'] | null;
  timeoutMs: number | null;
  coalescing: Draft['coalescing'];
  ordering: Draft['ordering'];
  numbered: boolean;
  skipUnread: boolean;
  relatedChanges: boolean;
  retry: { maxTries: number | null; maxTimeMs: number | null } | null;
  rateLimit: { perSecond: number | null; concurrency: number | null } | null;
  recording: { bodies: boolean; maskedPaths: string[] };
}

/** Fills the form with a saved subscription. Secrets are blank, because the API never returns them; a blank secret is kept. */
export function draftOf(saved: Saved): Draft {
  const { auth, retry, rateLimit } = saved;
  return {
    ...EMPTY,
    name: saved.name ?? '',
    description: saved.description ?? '',
    topic: saved.topic?.id ?? '',
    contentType: saved.contentType,
    destination: destinationOf(saved),
    callbackUrl: saved.callbackUrl ?? '',
    sns: settingsOf(saved.sns),
    sqs: settingsOf(saved.sqs),
    eventBridge: settingsOf(saved.eventBridge),
    integrationId: saved.integrationId ?? '',
    secret: { mode: saved.hasSharedSecret ? 'KEEP' : 'NONE', value: '' },
    query: saved.query ?? '',
    validationTemplate: saved.validationTemplate ?? '',
    template: saved.template ?? '',
    errorTemplate: saved.errorTemplate ?? '',
    enabled: !saved.disabled,
    auth: {
      ...EMPTY.auth,
      ...(auth && {
        kind: auth.kind,
        scheme: auth.kind === 'OAUTH2' ? '' : auth.scheme,
        tokenUrl: auth.tokenUrl ?? '',
        clientId: auth.clientId ?? '',
        scope: auth.scope ?? '',
        audience: auth.audience ?? '',
        clientAuthentication: auth.clientAuthentication ?? 'BASIC',
      }),
    },
    headers: saved.headers.map(({ name }) => ({ name, value: '' })),
    environmentIds: saved.environmentIds ?? [],
    signatures: saved.signatures,
    phase: saved.phase,
    onFailure: saved.onFailure ?? EMPTY.onFailure,
    timeoutMs: textOf(saved.timeoutMs),
    coalescing: saved.coalescing,
    ordering: saved.ordering,
    numbered: saved.numbered,
    skipUnread: saved.skipUnread,
    relatedChanges: saved.relatedChanges,
    retry: { maxTries: textOf(retry?.maxTries), ...timeOf(retry?.maxTimeMs ?? null) },
    rateLimit: { perSecond: textOf(rateLimit?.perSecond), concurrency: textOf(rateLimit?.concurrency) },
    recording: { bodies: saved.recording.bodies, maskedPaths: saved.recording.maskedPaths.join('\n') },
  };
}

const textOf = (value: number | null | undefined) => (value == null ? '' : String(value));

function destinationOf({ sns, sqs, eventBridge }: Saved): DestinationKind {
  if (sns) return sns.managed ? 'MANAGED_SNS' : 'SNS';
  if (sqs) return 'SQS';
  return eventBridge ? 'EVENT_BRIDGE' : 'HTTPS';
}

function settingsOf(saved: Destination | undefined): Settings {
  const entries = Object.entries(saved ?? {}).filter((entry): entry is [string, string | boolean] => entry[1] !== null);
  return Object.fromEntries(entries);
}

/** Writes a duration in the largest unit that needs no fraction. */
function timeOf(ms: number | null): { maxTime: string; unit: TimeUnit } {
  if (ms === null) return { maxTime: '', unit: 'DAYS' };
  const units = (Object.entries(MS_OF) as [TimeUnit, number][]).reverse();
  const [unit, size] = units.find(([, one]) => ms % one === 0 && ms >= one) ?? ['SECONDS', MS_OF.SECONDS];
  return { maxTime: String(ms / size), unit };
}
