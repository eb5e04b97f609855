// Adds the root field that lists the kinds of destinations, and what the installation offers for each.
import { type DestinationOffer, destinationOffers } from '../../webhooks/index.js';
import type { AccessOf } from '../access.js';
import type { Builder } from '../builder.js';

export function addDestinations(builder: Builder, access: AccessOf): void {
  const offer = builder.objectRef<DestinationOffer>('WebhookDestinationOffer').implement({
    description: 'A kind of destination, and what this installation offers for it.',
    fields: (t) => ({
      field: t.exposeString('field', {
        nullable: false,
        description: 'The field of a subscription that names the destination, e.g. `sqs`.',
      }),
      title: t.exposeString('title', { nullable: false, description: 'The name for people, e.g. `AWS SQS`.' }),
      managed: t.exposeBoolean('managed', {
        nullable: false,
        description: 'Whether Hookgraph can create the destination for a subscription, such as a managed SNS topic.',
      }),
      accounts: t.stringList({
        nullable: { list: false, items: false },
        description:
          'The AWS accounts whose resources and roles your subscriptions may use without an access key of their own, with the credentials of the installation.',
        resolve: ({ accounts }) => accounts,
      }),
    }),
  });
  builder.queryField('webhookDestinations', (t) =>
    t.field({
      type: [offer],
      nullable: { list: false, items: false },
      description: 'List the kinds of destinations, and what this installation offers for each.',
      resolve: (_root, _args, ctx) => {
        const { engine, actor } = access(ctx);
        return destinationOffers(engine, actor);
      },
    }),
  );
}
