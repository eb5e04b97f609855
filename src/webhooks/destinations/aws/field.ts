// Declares the fields that all AWS destinations have: the endpoint, the role and the access key.
import type { Field } from '../../base/fields/field.js';
import type { Subscription } from '../../base/model.js';
import type { AwsSettings } from './access.js';

/**
 * Returns these fields for one kind of AWS destination.
 * @param verb the permission that an access key needs, e.g. `publish`, for the descriptions
 * @param settingsOf returns the settings of this destination; `undefined` when the subscription has another destination
 */
export function awsFields(verb: string, settingsOf: (subscription: Subscription) => AwsSettings | undefined): Field[] {
  return [
    {
      name: 'endpoint',
      type: { kind: 'TEXT' },
      description: 'The URL to send to instead of the AWS endpoint of the region. Requires `accessKeyId` and `secretAccessKey`.',
      output: {
        description: 'The URL that requests are sent to instead of the AWS endpoint of the region.',
        read: (source: Subscription) => settingsOf(source)?.endpoint,
      },
    },
    {
      name: 'roleArn',
      type: { kind: 'TEXT' },
      description: 'The ARN of an AWS role to assume before sending, with the `externalId` of the destination.',
      output: {
        description: 'The ARN of the AWS role that is assumed before sending; `null` when no role is assumed.',
        read: (source: Subscription) => settingsOf(source)?.roleArn,
      },
    },
    {
      name: 'accessKeyId',
      type: { kind: 'TEXT' },
      description: `The id of an AWS access key that may ${verb}. Without it, the installation's AWS credentials are used.`,
      output: false,
      secret: true,
      file: { shownBy: 'hasOwnKeys' },
    },
    {
      name: 'secretAccessKey',
      type: { kind: 'TEXT' },
      description: 'The secret access key that belongs to `accessKeyId`. It is never returned.',
      output: false,
      secret: true,
      file: { shownBy: 'hasOwnKeys' },
    },
    {
      name: 'externalId',
      type: { kind: 'TEXT' },
      description: "The external id that is passed when the role is assumed. Require it in the role's trust policy.",
      input: false,
      output: { required: true, read: ({ tenant }: Subscription) => tenant },
      file: { isFilledIn: true },
    },
    {
      name: 'hasOwnKeys',
      type: { kind: 'BOOLEAN' },
      description: `Whether the subscription has its own AWS access key to ${verb}, instead of using the installation's credentials.`,
      input: false,
      output: { required: true, read: (source: Subscription) => settingsOf(source)?.ownKeys === true },
      file: { isFilledIn: true },
    },
  ];
}
