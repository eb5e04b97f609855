// Determines the region, the endpoint and the credentials of a call to AWS, and whether a tenant may use the installation's credentials.

export const ROLE_ARN = /^arn:aws[a-z-]*:iam::(\d{12}):role\/[\w+=,.@/-]{1,576}$/;

/** How a subscription accesses AWS, without the secret values. */
export interface AwsSettings {
  /** The URL of a custom endpoint; `null` for the AWS endpoint of the region. */
  endpoint: string | null;
  roleArn: string | null;
  /** Whether the subscription has its own access key. */
  ownKeys: boolean;
}

/** The access key of a subscription, which is used instead of the installation's credentials. */
export interface AwsSecrets {
  accessKeyId?: string;
  secretAccessKey?: string;
}

export interface AwsAccess {
  region: string;
  endpoint: string | null;
  /** The IAM role to assume. The tenant is passed as the external id, which the role's trust policy can require. */
  role: { arn: string; externalId: string } | null;
  /** The subscription's access key; `null` when the installation's credentials are used. */
  keys: { accessKeyId: string; secretAccessKey: string } | null;
}

export function awsAccessOf(region: string, { endpoint, roleArn, ownKeys }: AwsSettings, secrets: AwsSecrets, tenant: string): AwsAccess {
  const { accessKeyId = '', secretAccessKey = '' } = secrets;
  return {
    region,
    endpoint,
    role: roleArn === null ? null : { arn: roleArn, externalId: tenant },
    keys: ownKeys ? { accessKeyId, secretAccessKey } : null,
  };
}

/** Returns the origin of a service's endpoint: https://docs.aws.amazon.com/general/latest/gr/rande.html */
export function awsOrigin(service: string, { endpoint, region }: Pick<AwsAccess, 'endpoint' | 'region'>): string {
  if (endpoint !== null) return new URL(endpoint).origin;
  return `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

export const regionOf = (arn: string): string => arn.split(':')[3] ?? '';

/** Returns the id of the AWS account that owns a resource or role. */
export const accountOf = (arn: string): string => arn.split(':')[4] ?? '';

/** The AWS accounts for which the installation's credentials may be used: `123456789012`, or `123456789012:tenant` for one tenant only. */
export interface AwsAccounts {
  accounts: string[];
}

/** Returns the accounts for which the tenant may use the installation's credentials. */
export function accountsFor(offered: AwsAccounts | undefined, tenant: string): string[] {
  const listed = offered?.accounts ?? [];
  const accounts = listed.filter((item) => !item.includes(':') || item.slice(item.indexOf(':') + 1) === tenant);
  return [...new Set(accounts.map((item) => item.split(':')[0] as string))];
}

/**
 * Whether the tenant may use the installation's credentials for this resource or role. Without this check, a subscription could send to any
 * resource that the installation can access.
 */
export const mayUseInstallation = (offered: AwsAccounts | undefined, tenant: string, arn: string): boolean =>
  accountsFor(offered, tenant).includes(accountOf(arn));
