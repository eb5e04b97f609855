// Converts the values of the form to the input of the API.
import { type Draft, FIELD_OF, MS_OF, type Settings } from './draft.js';

export type Input = Record<string, unknown>;

/** Which optional parts this API offers, by the name of the input field. */
export type Offers = (field: string) => boolean;

/**
 * Returns the input of a save. For a saved subscription, only fields that differ from `before`, because absent fields stay as they are.
 * @param before the form as it was loaded; `null` for a new subscription
 */
export function inputOf(draft: Draft, before: Draft | null, offers: Offers): Input {
  const input = wholeInput(draft, before, offers);
  if (before === null) return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined && value !== null));
  const saved = wholeInput(before, before, offers);
  const names = new Set([...Object.keys(saved), ...Object.keys(input)]);
  const changed = [...names].filter((name) => JSON.stringify(input[name]) !== JSON.stringify(saved[name]));
  return Object.fromEntries(changed.filter((name) => input[name] !== undefined).map((name) => [name, input[name]]));
}

/** Returns all fields of the input. `null` (from a blank text) clears a field; `undefined` leaves it as it is. */
function wholeInput(draft: Draft, before: Draft | null, offers: Offers): Input {
  const isHook = draft.phase === 'BEFORE';
  const input: Input = {
    name: textOf(draft.name),
    description: textOf(draft.description),
    topic: draft.topic === '' ? null : { id: draft.topic },
    contentType: draft.contentType,
    ...destinationOf(draft, before),
    sharedSecret: secretOf(draft),
    query: textOf(draft.query),
    validationTemplate: textOf(draft.validationTemplate),
    template: textOf(draft.template),
    errorTemplate: textOf(draft.errorTemplate),
    disabled: !draft.enabled,
    auth: authOf(draft, before),
    headers: headersOf(draft, before),
    signatures: draft.signatures,
    phase: draft.phase,
    onFailure: isHook ? draft.onFailure : undefined,
    timeoutMs: isHook ? numberOf(draft.timeoutMs) : undefined,
    coalescing: draft.coalescing,
    ordering: isHook ? 'NONE' : draft.ordering,
    numbered: !isHook && draft.numbered,
    skipUnread: !isHook && draft.skipUnread,
    relatedChanges: !isHook && draft.relatedChanges,
    retry: recordOf({ maxTries: numberOf(draft.retry.maxTries), maxTimeMs: maxTimeOf(draft) }),
    rateLimit: recordOf({ perSecond: numberOf(draft.rateLimit.perSecond), concurrency: numberOf(draft.rateLimit.concurrency) }),
    recording: recordingOf(draft),
    ...(offers('integrationId') && { integrationId: textOf(draft.integrationId) }),
    ...(offers('environmentIds') && { environmentIds: draft.environmentIds }),
  };
  return Object.fromEntries(Object.entries(input).filter(([name]) => offers(name)));
}

const textOf = (text: string): string | null => (text.trim() === '' ? null : text);
const numberOf = (text: string): number | null => (text.trim() === '' ? null : Number(text));
const recordOf = (values: Record<string, unknown>) => (Object.values(values).every((value) => value === null) ? null : values);

function maxTimeOf({ retry }: Draft): number | null {
  const time = numberOf(retry.maxTime);
  return time === null ? null : Math.round(time * MS_OF[retry.unit]);
}

const recordingOf = ({ recording: { bodies, maskedPaths } }: Draft) => {
  const paths = maskedPaths.split('\n').flatMap((path) => path.trim() || []);
  return bodies && paths.length === 0 ? null : { bodies, maskedPaths: paths };
};

function secretOf({ secret: { mode, value } }: Draft): string | null | undefined {
  if (mode === 'NONE') return null;
  return mode === 'KEEP' || value === '' ? undefined : value;
}

/** The input fields of a managed topic; an existing topic has all other fields. */
const MANAGED = ['subscriberPrincipal', 'fifo'];
const READ_ONLY = ['externalId', 'hasOwnKeys'];

function destinationOf(draft: Draft, before: Draft | null): Input {
  const { destination } = draft;
  const name = FIELD_OF[destination];
  if (name === 'callbackUrl') return { callbackUrl: textOf(draft.callbackUrl) };
  const saved = before?.destination === destination ? before[name] : {};
  const fits = (field: string) =>
    !READ_ONLY.includes(field) && (name !== 'sns' || (field !== 'managed' && MANAGED.includes(field) === (destination === 'MANAGED_SNS')));
  const given = Object.entries(draft[name]).filter(([field, value]) => fits(field) && !isSame(value, saved[field]));
  const settings = given.map(([field, value]) => [field, typeof value === 'string' ? value.trim() || null : value]);
  const managed = name === 'sns' ? { managed: destination === 'MANAGED_SNS' } : {};
  // If no field of the destination has changed, the input is an empty record, as is the input of `before`, so both count as equal.
  return { [name]: { ...managed, ...Object.fromEntries(settings) } };
}

const isSame = (value: Settings[string], saved: Settings[string] | undefined) =>
  value === (saved ?? (typeof value === 'string' ? '' : false));

function authOf(draft: Draft, before: Draft | null): Input | null {
  const { auth } = draft;
  const isKept = before?.auth.kind === auth.kind;
  // A blank secret is left out while the kind of authentication is unchanged, so that the saved secret is kept.
  const secret = (value: string) => (value === '' && isKept ? undefined : value);
  const scheme = auth.scheme.trim() || null;
  switch (auth.kind) {
    case 'NONE':
      return null;
    case 'BASIC':
      return { basic: { username: secret(auth.username), password: secret(auth.password), scheme } };
    case 'TOKEN':
      return { token: { token: secret(auth.token), scheme } };
    case 'OAUTH2': {
      const { tokenUrl, clientId, scope, audience, clientAuthentication } = auth;
      const texts = { tokenUrl: textOf(tokenUrl), clientId: textOf(clientId), scope: textOf(scope), audience: textOf(audience) };
      return { oauth2: { ...texts, clientSecret: secret(auth.clientSecret), clientAuthentication } };
    }
  }
}

function headersOf({ headers }: Draft, before: Draft | null): Input[] {
  const saved = new Set(before?.headers.map(({ name }) => name.toLowerCase()));
  return headers
    .filter(({ name, value }) => name.trim() !== '' || value !== '')
    .map(({ name, value }) => ({ name: name.trim(), value: value === '' && saved.has(name.trim().toLowerCase()) ? undefined : value }));
}

/** Lists the fields whose text should be a number and isn't. */
export function wrongNumbers({ timeoutMs, retry, rateLimit }: Draft): string[] {
  const texts = {
    timeoutMs,
    'retry.maxTries': retry.maxTries,
    'retry.maxTime': retry.maxTime,
    'rateLimit.perSecond': rateLimit.perSecond,
    'rateLimit.concurrency': rateLimit.concurrency,
  };
  return Object.entries(texts).flatMap(([name, text]) => (Number.isNaN(numberOf(text)) ? [name] : []));
}
