// Adds the field that lists the presets: subscription fields that produce the formats of well-known webhook systems.

import { CONTENT_TYPE_ENUM, SIGNATURE_ENUM } from '../../webhooks/fields.js';
import { PRESETS, type Preset } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';
import type { WebhookTypes } from './index.js';

export function addPresets(builder: Builder, { enums: { preset: presetKey }, fieldTypes }: WebhookTypes): void {
  if (!presetKey) return;
  const preset = builder.objectRef<Preset>('WebhookPreset').implement({
    description: 'Subscription fields that produce the body format and the signatures of a well-known webhook system.',
    fields: (t) => ({
      key: t.field({
        type: presetKey,
        nullable: false,
        description: 'The key of the preset, for the field `preset` of WebhookSubscriptionInput.',
        resolve: ({ key }) => key,
      }),
      name: t.exposeString('name', { nullable: false, description: 'The name of the system.' }),
      description: t.exposeString('description', { nullable: false, description: 'A description of the body and its signatures.' }),
      contentType: t.field({
        type: fieldTypes.enum(CONTENT_TYPE_ENUM),
        description: 'The format of the body.',
        resolve: ({ fields }) => fields.contentType,
      }),
      template: t.string({ description: 'The Liquid template that renders the body.', resolve: ({ fields }) => fields.template }),
      signatures: t.field({
        type: [fieldTypes.enum(SIGNATURE_ENUM)],
        description: 'The signature schemes that receivers of this format expect. `null` when they expect the default scheme, SCOPE.',
        resolve: ({ fields }) => fields.signatures as never,
      }),
    }),
  });
  builder.queryField('webhookPresets', (t) =>
    t.field({
      type: [preset],
      nullable: { list: false, items: false },
      description: 'List the presets: body formats of well-known webhook systems.',
      resolve: () => PRESETS,
    }),
  );
}
