// Sorts the reasons of decisions: what was sent, what is still to come, and what stood in the way.
import type { ResultOf } from '../../app/graphql';
import type { BadgeTone } from '../../kit/badge';
import type { EVENT } from './queries';

export type Event = NonNullable<ResultOf<typeof EVENT>['webhookEvent']>;
export type Decision = Event['decisions'][number];
type Code = Decision['code'];

const OTHER = { text: 'Not for it', tone: 'idle' } as const;
const WAITS = { text: 'Still to come', tone: 'accent' } as const;
const STOPPED = { text: 'Not sent', tone: 'bad' } as const;
const SKIPPED = { text: 'Skipped', tone: 'idle' } as const;

const VERDICTS: Partial<Record<Code, { text: string; tone: BadgeTone }>> = {
  DELIVERED: { text: 'Delivered', tone: 'good' },
  RETRYING: { text: 'Retrying', tone: 'warn' },
  FAILED: { text: 'Failed', tone: 'bad' },
  SKIPPED_VALIDATION: SKIPPED,
  SKIPPED_DISABLED: SKIPPED,
  REPLACED: SKIPPED,
  UNREAD_CHANGE: SKIPPED,
  HELD_NODE: { text: 'Held', tone: 'warn' },
  HELD_BROKEN: { text: 'Held', tone: 'warn' },
  HELD_DISABLED: { text: 'Held', tone: 'warn' },
  NOT_CLAIMED: WAITS,
  NOT_RELAYED: WAITS,
  IN_PROGRESS: WAITS,
  IN_A_LOOP: WAITS,
  QUERY_TOO_SLOW: WAITS,
  WAITS_IN_ORDER: WAITS,
  PACED: WAITS,
  PUT_BACK: WAITS,
  WAITS_FOR_OPERATOR: WAITS,
  OTHER_CHANGE: OTHER,
  OTHER_OPERATION: OTHER,
  OTHER_TYPE: OTHER,
  ABOUT_SUBSCRIPTION_TOPICS: OTHER,
  BEFORE_HOOK: OTHER,
};

export const verdictOf = (code: Code): { text: string; tone: BadgeTone } => VERDICTS[code] ?? STOPPED;

/** Whether the event doesn't concern the webhook at all, so that its decision says little. */
export const isOther = (code: Code): boolean => VERDICTS[code] === OTHER;

/** The field of the webhook that explains each reason; a reason that no field explains is absent. */
const FIELDS: Partial<Record<Code, string>> = {
  SKIPPED_VALIDATION: 'validationTemplate',
  HELD_NODE: 'query',
  HELD_BROKEN: 'query',
  SUBSCRIPTION_HELD: 'query',
  OTHER_ENVIRONMENT: 'environmentIds',
  OTHER_OPERATION: 'topic',
  OTHER_TYPE: 'topic',
  OTHER_CHANGE: 'topic',
  OTHER_DEFINITION_THEN: 'topic',
  SKIPPED_DISABLED: 'disabled',
  SUBSCRIPTION_DISABLED: 'disabled',
  HELD_DISABLED: 'disabled',
};

export const fieldOf = (code: Code): string | null => FIELDS[code] ?? null;

export const FIELD_TEXTS: Record<string, string> = {
  validationTemplate: 'its validation template',
  query: 'its query and templates',
  environmentIds: 'its environments',
  topic: 'its topic',
  disabled: 'its settings',
};
