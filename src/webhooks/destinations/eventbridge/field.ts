// Declares the field `eventBridge`, the event bus that a subscription sends to. Merges its input with the saved settings, and checks the
// result.
import type { Problem } from '../../base/errors.js';
import type { CheckContext, Field, MergeContext } from '../../base/fields/field.js';
import type { Subscription } from '../../base/model.js';
import { checkAws, mergeAws, textOf } from '../aws/check.js';
import { awsFields } from '../aws/field.js';
import { type DestinationDraft, storeDraft } from '../draft.js';
import { ACCOUNTS, type EventBridgeInput, type EventBridgeSettings } from './definition.js';

const settingsOf = ({ definition: { eventBridge } }: Subscription): EventBridgeSettings | undefined => eventBridge;

const DEFAULT_SOURCE = 'hookgraph';
const MAX_SOURCE_LENGTH = 256;

export const EVENT_BRIDGE_FIELD = {
  name: 'eventBridge',
  type: {
    kind: 'RECORD',
    keepsAbsent: true,
    input: { typename: 'WebhookEventBridgeInput', description: 'An AWS EventBridge event bus. An absent field keeps its value.' },
    output: { typename: 'WebhookEventBridge', description: 'An AWS EventBridge event bus that notifications are sent to.' },
    fields: [
      {
        name: 'eventBusArn',
        type: { kind: 'TEXT' },
        description: 'The ARN of the event bus.',
        output: { required: true, read: (source: Subscription) => settingsOf(source)?.eventBusArn },
      },
      {
        name: 'source',
        type: { kind: 'TEXT' },
        description: 'The `source` of the events, by which the rules of the event bus select them.',
        default: DEFAULT_SOURCE,
        output: { required: true, read: (source: Subscription) => settingsOf(source)?.source },
        file: { isFilledIn: ({ source }) => source === DEFAULT_SOURCE },
      },
      ...awsFields('send to the event bus', settingsOf),
    ],
  },
  description: 'An AWS EventBridge event bus to send notifications to. Setting it removes the previous destination.',
  output: {
    description: 'The AWS EventBridge event bus that notifications are sent to. `null` when they go to another destination.',
    read: (source: Subscription) => (settingsOf(source) ? source : null),
  },
  destination: true,
  option: {
    flags: '--event-bridge <name=value>',
    help: 'send to an AWS EventBridge event bus: eventBusArn=…, accessKeyId=env:NAME, secretAccessKey=env:NAME; can be repeated',
    isRepeated: true,
  },
  merge: mergeEventBridge,
  check: checkEventBridge,
  store: storeDraft('eventBridge'),
} as const satisfies Field;

function mergeEventBridge(
  input: EventBridgeInput | null | undefined,
  { saved }: MergeContext,
): DestinationDraft<EventBridgeSettings> | null {
  const [was, kept] = [saved?.definition.eventBridge, saved?.secrets.eventBridge];
  if (input === undefined) return was ? { settings: was, secrets: kept } : null;
  if (input === null) return null;
  const { settings, secrets } = mergeAws(input, was, kept);
  const eventBusArn = textOf(input.eventBusArn, was?.eventBusArn) ?? '';
  return { settings: { eventBusArn, source: textOf(input.source, was?.source) ?? DEFAULT_SOURCE, ...settings }, secrets };
}

const EVENT_BUS_ARN = /^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/[\w./-]{1,256}$/;

async function checkEventBridge({ settings, secrets }: DestinationDraft<EventBridgeSettings>, context: CheckContext): Promise<Problem[]> {
  const { eventBusArn, source } = settings;
  const problems: Problem[] = [];
  const add = (field: string, message: string, type?: Problem['type']) => problems.push({ field, message, ...(type && { type }) });
  if (eventBusArn === '') add('eventBridge.eventBusArn', "can't be blank", 'BLANK');
  else if (!EVENT_BUS_ARN.test(eventBusArn))
    add('eventBridge.eventBusArn', 'must be the ARN of an event bus, such as arn:aws:events:eu-central-1:123456789012:event-bus/name');
  if (source.startsWith('aws.')) add('eventBridge.source', "can't begin with `aws.`, which is reserved for AWS");
  else if (!/^[\x21-\x7e]+$/.test(source) || source.length > MAX_SOURCE_LENGTH)
    add('eventBridge.source', `must have up to ${MAX_SOURCE_LENGTH} letters, digits and signs, without spaces`);
  if (context.values.contentType === 'XML') add('contentType', 'must be JSON, because EventBridge accepts only JSON');
  const arn = problems.length === 0 ? eventBusArn : null;
  const rules = { field: 'eventBridge', arn, offered: context.engine.settings.eventBridge, variable: ACCOUNTS };
  return [...problems, ...(await checkAws(settings, secrets, rules, context))];
}
