// Declares AWS SQS queues as a kind of destination.
import { type AwsSecrets, accountOf, accountsFor, awsAccessOf, awsOrigin, regionOf } from '../aws/access.js';
import { accountsVariable } from '../aws/options.js';
import { openAwsSender } from '../aws/sender.js';
import type { DestinationKind } from '../kind.js';
import { ACCOUNTS, type SqsAccess, type SqsSettings } from './definition.js';
import { SQS_FIELD } from './field.js';
import { composeQueueMessage, type QueueMessage } from './message.js';
import { SQS } from './sender.js';

export const sqs: DestinationKind<SqsSettings, SqsAccess, QueueMessage> = {
  field: SQS_FIELD,
  title: 'AWS SQS',
  notBefore: 'SQS returns no response that could refuse a write',
  isHttp: false,
  receiverOf: ({ queueArn, endpoint }) => [queueArn, endpoint],
  variables: { accounts: accountsVariable(ACCOUNTS, 'SQS queues') },
  offer: (settings, tenant) => ({ accounts: accountsFor(settings.sqs, tenant), managed: false }),

  locate(settings, secrets: AwsSecrets = {}, { tenant }) {
    const { queueArn } = settings;
    const access = awsAccessOf(regionOf(queueArn), settings, secrets, tenant);
    const origin = awsOrigin('sqs', access);
    const queueUrl = `${origin}/${accountOf(queueArn)}/${queueArn.slice(queueArn.lastIndexOf(':') + 1)}`;
    return { url: queueArn, origin, access: { ...access, queueArn, queueUrl } };
  },
  compose: composeQueueMessage,
  open: async (guard, deadlineMs) => openAwsSender(SQS, guard, deadlineMs),
};
