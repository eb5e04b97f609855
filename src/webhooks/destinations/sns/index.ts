// Declares AWS SNS topics as a kind of destination.
import { z } from 'zod';
import { orNull } from '../../../runtime/config-texts.js';
import { type AwsSecrets, accountsFor, awsAccessOf, awsOrigin, regionOf } from '../aws/access.js';
import { accountsVariable } from '../aws/options.js';
import { openAwsSender } from '../aws/sender.js';
import type { DestinationKind } from '../kind.js';
import { type SnsAccess, type SnsSettings, topicArnOf } from './definition.js';
import { SNS_FIELD } from './field.js';
import { forgetTopics, noteTopics, settleTopics } from './managed-sns-topics.js';
import { composePublication, type Publication } from './message.js';
import { SNS } from './sender.js';

function accessOf({ id, tenant }: { id: string; tenant: string }, sns: SnsSettings, secrets: AwsSecrets = {}): SnsAccess {
  const topicArn = topicArnOf(sns, id);
  const region = regionOf(topicArn);
  if (sns.kind === 'MANAGED') return { topicArn, managed: true, region, endpoint: null, role: null, keys: null };
  return { topicArn, managed: false, ...awsAccessOf(region, sns, secrets, tenant) };
}

export const sns: DestinationKind<SnsSettings, SnsAccess, Publication> = {
  field: SNS_FIELD,
  title: 'AWS SNS',
  notBefore: 'SNS returns no response that could refuse a write',
  isHttp: false,
  receiverOf: (settings) => settings,
  variables: {
    accounts: accountsVariable('HOOKGRAPH_SNS_ACCOUNTS', 'SNS topics'),
    managedTopics: {
      name: 'HOOKGRAPH_SNS_MANAGED',
      meaning:
        'beginning of the ARNs of SNS topics that Hookgraph creates for subscriptions, with the AWS credentials of this process; absent: subscriptions can name only existing topics',
      parse: orNull(
        z.string().regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}$/, 'must be an ARN prefix like arn:aws:sns:eu-central-1:123456789012'),
      ),
      fallback: null,
    },
  },
  offer: (settings, tenant) => ({
    accounts: accountsFor(settings.sns, tenant),
    managed: settings.sns?.managedTopics != null,
  }),

  locate(settings, secrets, subscription) {
    const access = accessOf(subscription, settings, secrets);
    return { url: access.topicArn, origin: awsOrigin('sns', access), access };
  },
  compose: composePublication,
  open: async (guard, deadlineMs) => openAwsSender(SNS, guard, deadlineMs),

  upkeep: { note: noteTopics, forget: forgetTopics, settle: settleTopics, everyMs: 2000 },
};
