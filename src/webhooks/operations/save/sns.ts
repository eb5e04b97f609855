// Merges the SNS input with the saved settings, and validates the result.
import type { Settings } from '../../base/engine.js';
import type { Problem } from '../../base/errors.js';
import type { SnsDefinition, SnsSecrets } from '../../base/model.js';
import type { Guard } from '../../base/network/guard.js';
import { accountOf, mayUseInstallation, ROLE_ARN, regionOf, TOPIC_ARN } from '../../base/sns.js';

/**
 * An SNS topic of the subscriber or, with `managed`, a topic that Hookgraph creates. An absent field keeps its saved value if the
 * kind stays the same.
 */
export interface SnsInput {
  topicArn?: string | null;
  /** Region of the topic. Optional; it must match the region in the ARN. */
  region?: string | null;
  endpoint?: string | null;
  accessKeyId?: string | null;
  secretAccessKey?: string | null;
  roleArn?: string | null;
  managed?: boolean | null;
  subscriberPrincipal?: string | null;
  fifo?: boolean | null;
}

export interface SnsDraft {
  definition: SnsDefinition;
  secrets: SnsSecrets;
  region: string | null;
  /** Fields that were given although they don't apply to this kind of topic. */
  idle: string[];
}

const OWN_FIELDS = ['topicArn', 'endpoint', 'accessKeyId', 'secretAccessKey', 'roleArn'] as const;
const MANAGED_FIELDS = ['subscriberPrincipal', 'fifo'] as const;

/** Merges the input with what is saved. `prefix` is the ARN prefix of new managed topics; an existing topic keeps its own. */
export function toSnsDraft(
  input: SnsInput | null | undefined,
  was: SnsDefinition | undefined,
  kept: SnsSecrets,
  prefix: string | null,
): SnsDraft | null {
  if (input === null) return null;
  if (input === undefined) return was ? { definition: was, secrets: kept, region: null, idle: [] } : null;
  const text = (given: string | null | undefined, old?: string | null): string | null =>
    (given === undefined ? old : given?.trim()) || null;
  const region = text(input.region);
  const managed = input.managed ?? was?.kind === 'MANAGED';
  const idle = (managed ? OWN_FIELDS : MANAGED_FIELDS).filter((field) => input[field] != null && input[field] !== false);
  if (managed) {
    const old = was?.kind === 'MANAGED' ? was : undefined;
    const definition: SnsDefinition = {
      kind: 'MANAGED',
      prefix: old?.prefix ?? prefix ?? '',
      fifo: (input.fifo === undefined ? old?.fifo : input.fifo) ?? false,
      subscriberPrincipal: text(input.subscriberPrincipal, old?.subscriberPrincipal) ?? '',
    };
    return { definition, secrets: {}, region, idle };
  }
  const old = was?.kind === 'OWN' ? was : undefined;
  const accessKeyId = text(input.accessKeyId, old && kept.accessKeyId);
  const secretAccessKey = text(input.secretAccessKey, old && kept.secretAccessKey);
  const ownKeys = accessKeyId !== null || secretAccessKey !== null;
  const definition: SnsDefinition = {
    kind: 'OWN',
    topicArn: text(input.topicArn, old?.topicArn) ?? '',
    endpoint: text(input.endpoint, old?.endpoint),
    roleArn: text(input.roleArn, old?.roleArn),
    ownKeys,
  };
  return { definition, secrets: ownKeys ? { accessKeyId: accessKeyId ?? '', secretAccessKey: secretAccessKey ?? '' } : {}, region, idle };
}

const PRINCIPAL = /^(?:\d{12}|arn:aws[a-z-]*:iam::\d{12}:(?:root|(?:role|user)\/[\w+=,.@/-]{1,576}))$/;

/** Validates the settings. `without` lists fields that were given although they only apply to a callback URL. */
export async function snsProblems(
  { definition, secrets, region, idle }: SnsDraft,
  without: readonly string[],
  { settings, guard, tenant }: { settings: Pick<Settings, 'sns'>; guard: Guard; tenant: string },
): Promise<Problem[]> {
  const problems: Problem[] = without.map((field) => ({ field, message: 'is for a callbackUrl; SNS has its own ways' }));
  const add = (field: string, message: string, type?: Problem['type']) => {
    problems.push({ field: `sns.${field}`, message, ...(type && { type }) });
  };
  const managedTopics = settings.sns?.managedTopics ?? null;
  for (const field of idle) add(field, definition.kind === 'MANAGED' ? 'is not for a managed topic' : 'is for a managed topic only');
  const home = regionOf(`${definition.kind === 'OWN' ? definition.topicArn : definition.prefix}:`);
  if (region !== null && home !== '' && region !== home)
    add('region', `is ${JSON.stringify(region.slice(0, 64))}; the topic is in ${home}`);

  if (definition.kind === 'MANAGED') {
    if (definition.prefix === '') add('managed', 'is not offered by this installation (HOOKGRAPH_SNS_MANAGED)');
    if (definition.subscriberPrincipal === '') add('subscriberPrincipal', "can't be blank", 'BLANK');
    else if (!PRINCIPAL.test(definition.subscriberPrincipal))
      add('subscriberPrincipal', 'must be an account, or the ARN of an account, a role or a user, such as arn:aws:iam::123456789012:root');
    return problems;
  }

  const { topicArn, endpoint, roleArn, ownKeys } = definition;
  if (topicArn === '') add('topicArn', "can't be blank", 'BLANK');
  else if (!TOPIC_ARN.test(topicArn)) add('topicArn', 'must be the ARN of a topic, such as arn:aws:sns:eu-central-1:123456789012:name');
  else if (managedTopics !== null && topicArn.startsWith(`${managedTopics}:hookgraph-`))
    add('topicArn', 'is the topic of another subscription');
  if (roleArn !== null && !ROLE_ARN.test(roleArn)) add('roleArn', 'must be the ARN of a role, such as arn:aws:iam::123456789012:role/name');
  if (ownKeys) {
    if (!/^\w{16,128}$/.test(secrets.accessKeyId ?? ''))
      add('accessKeyId', 'must be the id of an access key: 16 to 128 letters and digits');
    if (!/^[\x21-\x7e]{1,256}$/.test(secrets.secretAccessKey ?? '')) add('secretAccessKey', 'must be a secret access key, without spaces');
  } else if (problems.length === 0 && !mayUseInstallation(settings, tenant, roleArn ?? topicArn)) {
    const account = accountOf(roleArn ?? topicArn);
    add(
      'accessKeyId',
      `can't be blank: this installation's own credentials are not for the account ${account} (HOOKGRAPH_SNS_ACCOUNTS)`,
      'BLANK',
    );
  }
  if (endpoint !== null) {
    // The installation's own credentials are sent to AWS only, never to a custom endpoint.
    if (!ownKeys) add('endpoint', 'goes with keys of your own only');
    const problem = await guard.vetUrl(endpoint, 'sns.endpoint');
    if (problem) problems.push(problem);
  }
  return problems;
}
