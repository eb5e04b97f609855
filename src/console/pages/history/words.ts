// The words for parts of deliveries that several pages show.
import { cutId } from '../../kit/id';

export const STAGES = [
  'QUERY',
  'VALIDATION',
  'TEMPLATE',
  'AUTH',
  'ADDRESS',
  'CONNECT',
  'TIMEOUT',
  'ANSWER',
  'STATUS',
  'ERROR_TEMPLATE',
] as const;

/** The stages at which an attempt ends, as people read them. */
export const STAGE_TEXTS: Record<string, string> = {
  QUERY: 'Query',
  VALIDATION: 'Validation template',
  TEMPLATE: 'Template',
  AUTH: 'Access token',
  ADDRESS: 'Address',
  CONNECT: 'No connection',
  TIMEOUT: 'Timeout',
  ANSWER: 'Unreadable answer',
  SEND: 'Send and answer',
  STATUS: 'Status',
  ERROR_TEMPLATE: 'Error template',
};

/** The stages whose messages name them. */
const NAMED = new Set(['STATUS', 'VALIDATION']);

/** A reason of the API, with the names of stages as people read them. */
export const reasonText = (reason: string): string =>
  reason.replaceAll(/\b([A-Z_]+): /g, (written, stage: string) =>
    NAMED.has(stage) ? '' : stage in STAGE_TEXTS ? `${STAGE_TEXTS[stage]}: ` : written,
  );

export const stageText = (stage: string | null): string => (stage === null ? 'Accepted' : (STAGE_TEXTS[stage] ?? stage));

/** Why a delivery waits or was not sent. */
export const REASON_TEXTS: Record<string, string> = {
  DISABLED: 'The webhook is disabled, or was when the change happened.',
  BROKEN: 'The query or a template of the webhook no longer works. Correct it, and the delivery goes on by itself.',
  NODE: 'The query or a template gave nothing usable for this node. Correct the webhook, or release the delivery.',
  VALIDATION: 'The validation template decided not to send it.',
  OPERATOR: 'It waits until the operator of this installation corrects a fault. It is then tried by itself.',
  ORDER: 'The webhook is ordered: it waits for an earlier delivery of the same node.',
  COALESCED: 'The webhook sends only the latest change: a later delivery of the same node replaced it.',
  UNREAD: 'The change touched no field that the query or a template reads.',
  SLOW: 'The query took longer than its limit. It runs again after growing pauses. No attempt is counted.',
  LOOP: 'Your writes to the node answer its notifications. They are sent with growing pauses.',
  DELETED: 'The webhook was deleted.',
  REPLAY: 'The replay was cancelled.',
  REFUSED: 'The before-hook refused the write.',
  ALLOWED: 'The before-hook failed, and the write was allowed.',
};

export const KIND_TEXTS: Record<string, string> = {
  LIVE: 'A change',
  TEST: 'A test',
  REPLAY: 'A replay',
  RESEND: 'A resent delivery',
  SNAPSHOT: 'A snapshot',
  BEFORE: 'A before-hook',
};

export const webhookName = (webhook: { id: string; name: string | null } | null): string =>
  webhook === null ? 'Deleted webhook' : (webhook.name ?? `Webhook ${cutId(webhook.id)}`);

export const nodeName = ({ nodeId, nodeLabel }: { nodeId: string; nodeLabel?: string | null }): string =>
  nodeLabel ?? `Node ${cutId(nodeId)}`;
