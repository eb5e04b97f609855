// Publishes notifications to AWS SNS topics.
import { type AwsSecrets, awsAccessOf, awsOrigin, regionOf } from '../aws/access.js';
import { openAwsSender } from '../aws/sender.js';
import type { DestinationKind } from '../kind.js';
import { type SnsDraft, snsProblems, toSnsDraft } from './check.js';
import { type SnsAccess, type SnsInput, type SnsSettings, topicArnOf } from './definition.js';
import { forgetTopics, noteTopics, settleTopics } from './managed-sns-topics.js';
import { composePublication, type Publication } from './message.js';
import { SNS } from './sender.js';

export function accessOf({ id, tenant }: { id: string; tenant: string }, sns: SnsSettings, secrets: AwsSecrets = {}): SnsAccess {
  const topicArn = topicArnOf(sns, id);
  const region = regionOf(topicArn);
  if (sns.kind === 'MANAGED') return { topicArn, managed: true, region, endpoint: null, role: null, keys: null };
  return { topicArn, managed: false, ...awsAccessOf(region, sns, secrets, tenant) };
}

export const sns: DestinationKind<SnsSettings, SnsDraft, SnsAccess, Publication> = {
  field: 'sns',
  title: 'AWS SNS',
  notBefore: 'SNS returns no answer that a write could wait for',
  isHttp: false,

  toDraft: (input, saved, { sns: offered }) => toSnsDraft(input as SnsInput | null | undefined, saved, offered),
  check: snsProblems,
  receiverOf: (settings) => settings,

  locate(settings, secrets, subscription) {
    const access = accessOf(subscription, settings, secrets);
    return { url: access.topicArn, origin: awsOrigin('sns', access), access };
  },
  compose: composePublication,
  open: (guard, deadlineMs) => openAwsSender(SNS, guard, deadlineMs),

  upkeep: { note: noteTopics, forget: forgetTopics, settle: settleTopics, everyMs: 2000 },
};
