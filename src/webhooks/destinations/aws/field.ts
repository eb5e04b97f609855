// Declares the fields that all AWS destinations have: the endpoint, the access key and the role.
import type { Field } from '../../base/fields/field.js';
import type { Subscription } from '../../base/model.js';
import type { AwsSettings } from './access.js';

/** `verb` says what is done at the destination: publish, send. `settingsOf` finds the settings of a subscription. */
export function awsFields(verb: string, settingsOf: (subscription: Subscription) => AwsSettings | undefined): Field[] {
  return [
    {
      name: 'endpoint',
      type: { kind: 'TEXT' },
      description: 'The URL of an endpoint to use instead of the one of AWS. It needs an access key of its own.',
      output: {
        description: 'The URL that is used instead of the endpoint of AWS.',
        read: (source: Subscription) => settingsOf(source)?.endpoint,
      },
    },
    {
      name: 'roleArn',
      type: { kind: 'TEXT' },
      description: 'The ARN of a role to assume first. It is assumed with `externalId`.',
      output: { description: 'The ARN of the role that is assumed first.', read: (source: Subscription) => settingsOf(source)?.roleArn },
    },
    {
      name: 'accessKeyId',
      type: { kind: 'TEXT' },
      description: `The id of an AWS access key that may ${verb}. Without one the installation's credentials are used.`,
      output: false,
      secret: true,
      file: { shownBy: 'hasOwnKeys' },
    },
    {
      name: 'secretAccessKey',
      type: { kind: 'TEXT' },
      description: 'The secret of the AWS access key. It is never returned.',
      output: false,
      secret: true,
      file: { shownBy: 'hasOwnKeys' },
    },
    {
      name: 'externalId',
      type: { kind: 'TEXT' },
      description: "The external id with which the role is assumed. Require it in the role's trust policy.",
      input: false,
      output: { required: true, read: ({ tenant }: Subscription) => tenant },
      file: { isFilledIn: true },
    },
    {
      name: 'hasOwnKeys',
      type: { kind: 'BOOLEAN' },
      description: `Whether an access key of the subscription's own is used to ${verb}.`,
      input: false,
      output: { required: true, read: (source: Subscription) => settingsOf(source)?.ownKeys === true },
      file: { isFilledIn: true },
    },
  ];
}
