// Merges the AWS fields of an input with the saved values, and checks the result.
import type { Problem } from '../../base/errors.js';
import type { CheckContext } from '../../base/fields/field.js';
import { type AwsAccounts, type AwsSecrets, type AwsSettings, accountOf, mayUseInstallation, ROLE_ARN } from './access.js';

export interface AwsInput {
  endpoint?: string | null;
  accessKeyId?: string | null;
  secretAccessKey?: string | null;
  roleArn?: string | null;
}

/** Returns the given text without surrounding spaces, or the saved text if none is given; `null` when blank. */
export const textOf = (given: string | null | undefined, saved?: string | null): string | null =>
  (given === undefined ? saved : given?.trim()) || null;

/** Merges the input with the saved settings and secrets, if any: an absent field of the input keeps its saved value. */
export function mergeAws(
  input: AwsInput,
  was: AwsSettings | undefined,
  kept: AwsSecrets | undefined,
): { settings: AwsSettings; secrets: Required<AwsSecrets> | undefined } {
  const accessKeyId = textOf(input.accessKeyId, kept?.accessKeyId);
  const secretAccessKey = textOf(input.secretAccessKey, kept?.secretAccessKey);
  const ownKeys = accessKeyId !== null || secretAccessKey !== null;
  return {
    settings: {
      endpoint: textOf(input.endpoint, was?.endpoint),
      roleArn: textOf(input.roleArn, was?.roleArn),
      ownKeys,
    },
    secrets: ownKeys ? { accessKeyId: accessKeyId ?? '', secretAccessKey: secretAccessKey ?? '' } : undefined,
  };
}

export interface AwsRules {
  /** The field of the destination, e.g. `sqs`. The path of each problem begins with it. */
  field: string;
  /** The ARN of the queue, topic or event bus; `null` when it is invalid, and then the account is not checked. */
  arn: string | null;
  offered: AwsAccounts | undefined;
  /** The environment variable that lists the allowed accounts. Messages about an account that isn't allowed name it. */
  variable: string;
}

export async function checkAws(
  { endpoint, roleArn, ownKeys }: AwsSettings,
  secrets: AwsSecrets | undefined,
  { field, arn, offered, variable }: AwsRules,
  { engine: { guard }, tenant }: CheckContext,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const add = (name: string, message: string, type?: Problem['type']) => {
    problems.push({ field: `${field}.${name}`, message, ...(type && { type }) });
  };
  if (roleArn !== null && !ROLE_ARN.test(roleArn)) add('roleArn', 'must be the ARN of a role, such as arn:aws:iam::123456789012:role/name');
  if (ownKeys) {
    if (!/^\w{16,128}$/.test(secrets?.accessKeyId ?? ''))
      add('accessKeyId', 'must be the id of an access key: 16 to 128 letters and digits');
    if (!/^[\x21-\x7e]{1,256}$/.test(secrets?.secretAccessKey ?? '')) add('secretAccessKey', 'must be a secret access key, without spaces');
  } else if (problems.length === 0 && arn !== null && !mayUseInstallation(offered, tenant, roleArn ?? arn)) {
    const account = accountOf(roleArn ?? arn);
    add(
      'accessKeyId',
      `can't be blank: the installation's AWS credentials may not be used for the account ${account}; the operator can allow it in ${variable}`,
      'BLANK',
    );
  }
  if (endpoint !== null) {
    // The installation's own credentials are sent to AWS only, never to a custom endpoint.
    if (!ownKeys) add('endpoint', 'requires `accessKeyId` and `secretAccessKey`');
    const problem = await guard.vetUrl(endpoint, `${field}.endpoint`);
    if (problem) problems.push(problem);
  }
  return problems;
}
