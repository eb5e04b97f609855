// Declares the field `sqs`, the SQS queue that a subscription sends to. Merges its input with the saved settings, and checks the result.
import type { Problem } from '../../base/errors.js';
import type { CheckContext, Field, MergeContext } from '../../base/fields/field.js';
import type { Subscription } from '../../base/model.js';
import type { AwsSettings } from '../aws/access.js';
import { checkAws, mergeAws, textOf } from '../aws/check.js';
import { awsFields } from '../aws/field.js';
import { type DestinationDraft, storeDraft } from '../draft.js';
import { ACCOUNTS, type SqsInput, type SqsSettings } from './definition.js';

const settingsOf = ({ definition: { sqs } }: Subscription): SqsSettings | undefined => sqs;

export const SQS_FIELD = {
  name: 'sqs',
  type: {
    kind: 'RECORD',
    keepsAbsent: true,
    input: { typename: 'WebhookSqsInput', description: 'An AWS SQS queue. An absent field keeps its value.' },
    output: { typename: 'WebhookSqs', description: 'An AWS SQS queue that notifications are sent to.' },
    fields: [
      {
        name: 'queueArn',
        type: { kind: 'TEXT' },
        description:
          'The ARN of the queue. If the name of the queue ends with `.fifo`, the notifications of each node are a message group, so that they stay in order.',
        output: { description: 'The ARN of the queue.', required: true, read: (source: Subscription) => settingsOf(source)?.queueArn },
      },
      ...awsFields('send to the queue', settingsOf),
    ],
  },
  description: 'An AWS SQS queue to send notifications to. Setting it removes the previous destination.',
  output: {
    description: 'The AWS SQS queue that notifications are sent to. `null` when they go to another destination.',
    read: (source: Subscription) => (settingsOf(source) ? source : null),
  },
  destination: true,
  option: {
    flags: '--sqs <name=value>',
    help: 'send to an AWS SQS queue: queueArn=…, accessKeyId=env:NAME, secretAccessKey=env:NAME; can be repeated',
    isRepeated: true,
  },
  merge: mergeSqs,
  check: checkSqs,
  store: storeDraft('sqs'),
} as const satisfies Field;

function mergeSqs(input: SqsInput | null | undefined, { saved }: MergeContext): DestinationDraft<SqsSettings> | null {
  const [was, kept] = [saved?.definition.sqs, saved?.secrets.sqs];
  if (input === undefined) return was ? { settings: was, secrets: kept } : null;
  if (input === null) return null;
  const { settings, secrets } = mergeAws(input, was, kept);
  return { settings: { queueArn: textOf(input.queueArn, was?.queueArn) ?? '', ...settings }, secrets };
}

const QUEUE_ARN = /^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:(?:[\w-]{1,80}|[\w-]{1,75}\.fifo)$/;

async function checkSqs({ settings, secrets }: DestinationDraft<SqsSettings>, context: CheckContext): Promise<Problem[]> {
  const { queueArn } = settings;
  const problems: Problem[] = [];
  if (queueArn === '') problems.push({ field: 'sqs.queueArn', message: "can't be blank", type: 'BLANK' });
  else if (!QUEUE_ARN.test(queueArn))
    problems.push({ field: 'sqs.queueArn', message: 'must be the ARN of a queue, such as arn:aws:sqs:eu-central-1:123456789012:name' });
  const rules = { field: 'sqs', arn: problems.length === 0 ? queueArn : null, offered: context.engine.settings.sqs, variable: ACCOUNTS };
  return [...problems, ...(await checkAws(settings as AwsSettings, secrets, rules, context))];
}
