// Determines the ARN of an SNS topic, the credentials to publish with, and whether a tenant may use the installation's credentials.
import type { Settings } from './engine.js';
import type { SnsAccess, SnsDefinition, SnsSecrets } from './model.js';

export const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):(\d{12}):(?:[\w-]{1,256}|[\w-]{1,251}\.fifo)$/;
export const ROLE_ARN = /^arn:aws[a-z-]*:iam::(\d{12}):role\/[\w+=,.@/-]{1,576}$/;

/** The ARN of a managed topic follows from the subscription's id, so that creating the topic is idempotent. */
export function topicArnOf(sns: SnsDefinition, subscriptionId: string): string {
  return sns.kind === 'OWN' ? sns.topicArn : `${sns.prefix}:hookgraph-${subscriptionId}${sns.fifo ? '.fifo' : ''}`;
}

export const regionOf = (topicArn: string): string => topicArn.split(':')[3] ?? '';
export const isFifo = (topicArn: string): boolean => topicArn.endsWith('.fifo');
export const originOf = ({ endpoint, topicArn }: SnsAccess): string =>
  endpoint === null ? `https://sns.${regionOf(topicArn)}.amazonaws.com` : new URL(endpoint).origin;

/** The account that owns a topic or role. */
export const accountOf = (arn: string): string => arn.split(':')[4] ?? '';

/**
 * Whether the tenant may use the installation's credentials for this topic or role. Without this check, subscribers could publish to any
 * topic that the installation has access to.
 */
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
