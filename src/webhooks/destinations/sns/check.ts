// Merges the SNS input with the saved settings, and checks the result.
import type { Problem } from '../../base/errors.js';
import type { CheckContext, MergeContext } from '../../base/fields/field.js';
import { regionOf } from '../aws/access.js';
import { checkAws, mergeAws, textOf } from '../aws/check.js';
import type { DestinationDraft } from '../draft.js';
import { type SnsInput, type SnsSettings, TOPIC_ARN } from './definition.js';

export interface SnsDraft extends DestinationDraft<SnsSettings> {
  region: string | null;
  /** Fields that the input has although they do not apply to this kind of topic (an existing or a managed one). */
  inapplicable: string[];
}

const OWN_FIELDS = ['topicArn', 'endpoint', 'accessKeyId', 'secretAccessKey', 'roleArn'] as const;
const MANAGED_FIELDS = ['subscriberPrincipal', 'fifo'] as const;

/**
 * Merges the input with the saved settings. A saved managed topic, which Hookgraph created, keeps its ARN prefix; a new one gets the prefix
 * of the installation's configuration.
 */
export function mergeSns(input: SnsInput | null | undefined, { saved, settings: { sns: offered } }: MergeContext): SnsDraft | null {
  const [was, secrets] = [saved?.definition.sns, saved?.secrets.sns];
  if (input === null) return null;
  if (input === undefined) return was ? { settings: was, secrets, region: null, inapplicable: [] } : null;
  const region = textOf(input.region);
  const managed = input.managed ?? was?.kind === 'MANAGED';
  const inapplicable = (managed ? OWN_FIELDS : MANAGED_FIELDS).filter((field) => input[field] != null && input[field] !== false);
  if (managed) {
    const old = was?.kind === 'MANAGED' ? was : undefined;
    const settings: SnsSettings = {
      kind: 'MANAGED',
      prefix: old?.prefix ?? offered?.managedTopics ?? '',
      fifo: (input.fifo === undefined ? old?.fifo : input.fifo) ?? false,
      subscriberPrincipal: textOf(input.subscriberPrincipal, old?.subscriberPrincipal) ?? '',
    };
    return { settings, region, inapplicable };
  }
  const old = was?.kind === 'OWN' ? was : undefined;
  const aws = mergeAws(input, old, old && secrets);
  const settings: SnsSettings = { kind: 'OWN', topicArn: textOf(input.topicArn, old?.topicArn) ?? '', ...aws.settings };
  return { settings, secrets: aws.secrets, region, inapplicable };
}

const PRINCIPAL = /^(?:\d{12}|arn:aws[a-z-]*:iam::\d{12}:(?:root|(?:role|user)\/[\w+=,.@/-]{1,576}))$/;

export async function checkSns({ settings, secrets, region, inapplicable }: SnsDraft, context: CheckContext): Promise<Problem[]> {
  const problems: Problem[] = [];
  const add = (field: string, message: string, type?: Problem['type']) => {
    problems.push({ field: `sns.${field}`, message, ...(type && { type }) });
  };
  const offered = context.engine.settings.sns;
  const managedTopics = offered?.managedTopics ?? null;
  for (const field of inapplicable)
    add(field, settings.kind === 'MANAGED' ? 'can not be used with a managed topic' : 'can be used only with a managed topic');
  const topicRegion = regionOf(`${settings.kind === 'OWN' ? settings.topicArn : settings.prefix}:`);
  if (region !== null && topicRegion !== '' && region !== topicRegion)
    add('region', `is ${JSON.stringify(region.slice(0, 64))}, but the topic is in the region ${topicRegion}`);

  if (settings.kind === 'MANAGED') {
    if (settings.prefix === '') add('managed', 'is not available on this installation; the operator enables it with HOOKGRAPH_SNS_MANAGED');
    if (settings.subscriberPrincipal === '') add('subscriberPrincipal', "can't be blank", 'BLANK');
    else if (!PRINCIPAL.test(settings.subscriberPrincipal))
      add(
        'subscriberPrincipal',
        'must be the id of an AWS account, or the ARN of an account, a role or a user, such as arn:aws:iam::123456789012:root',
      );
    return problems;
  }

  const { topicArn } = settings;
  if (topicArn === '') add('topicArn', "can't be blank", 'BLANK');
  else if (!TOPIC_ARN.test(topicArn)) add('topicArn', 'must be the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:name');
  else if (managedTopics !== null && topicArn.startsWith(`${managedTopics}:hookgraph-`))
    add('topicArn', 'is reserved for topics that Hookgraph creates; use `managed` instead');
  const rules = { field: 'sns', arn: problems.length === 0 ? topicArn : null, offered, variable: 'HOOKGRAPH_SNS_ACCOUNTS' };
  return [...problems, ...(await checkAws(settings, secrets, rules, context))];
}
