// What a definition says of an SNS topic -> its ARN, whose credentials publish to it, and whether those may be ours.
import type { Settings } from './engine.js';
import type { SnsAccess, SnsDefinition, SnsSecrets } from './model.js';

export const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):(\d{12}):(?:[\w-]{1,256}|[\w-]{1,251}\.fifo)$/;
export const ROLE_ARN = /^arn:aws[a-z-]*:iam::(\d{12}):role\/[\w+=,.@/-]{1,576}$/;

/** Of a managed topic it follows from the subscription, so that making it twice makes one. */
export function topicArnOf(sns: SnsDefinition, subscriptionId: string): string {
  return sns.kind === 'OWN' ? sns.topicArn : `${sns.prefix}:hookgraph-${subscriptionId}${sns.fifo ? '.fifo' : ''}`;
}

export const regionOf = (topicArn: string): string => topicArn.split(':')[3] ?? '';
export const isFifo = (topicArn: string): boolean => topicArn.endsWith('.fifo');
export const originOf = ({ endpoint, topicArn }: SnsAccess): string =>
  endpoint === null ? `https://sns.${regionOf(topicArn)}.amazonaws.com` : new URL(endpoint).origin;

/** The account of the topic or, where one is assumed, of the role. */
export const accountOf = (arn: string): string => arn.split(':')[4] ?? '';

/** A topic or role of this account, with the installation's own credentials: a stranger could name anybody's. */
export function mayUseInstallation({ sns }: Pick<Settings, 'sns'>, tenant: string, arn: string): boolean {
  const account = accountOf(arn);
  return sns?.accounts.some((one) => one === account || one === `${account}:${tenant}`) ?? false;
}

export function accessOf({ id, tenant }: { id: string; tenant: string }, sns: SnsDefinition, secrets: SnsSecrets | undefined): SnsAccess {
  const topicArn = topicArnOf(sns, id);
  if (sns.kind === 'MANAGED') return { topicArn, managed: true, endpoint: null, role: null, keys: null };
  const { accessKeyId = '', secretAccessKey = '' } = secrets ?? {};
  return {
    topicArn,
    managed: false,
    endpoint: sns.endpoint,
    role: sns.roleArn === null ? null : { arn: sns.roleArn, externalId: tenant },
    keys: sns.ownKeys ? { accessKeyId, secretAccessKey } : null,
  };
}
