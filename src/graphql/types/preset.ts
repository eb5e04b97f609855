// Adds the list of presets: body formats of well-known systems.

import { PRESETS, type Preset } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';
import type { Enums } from './enums.js';

export function addPresets(builder: Builder, enums: Enums): void {
  const { preset: presetKey } = enums;
  if (!presetKey) return;
  const preset = builder.objectRef<Preset>('WebhookPreset').implement({
    description: 'A body shape that receivers of a published system read, as fields of a subscription to begin with.',
    fields: (t) => ({
      key: t.field({ type: presetKey, nullable: false, description: 'For `preset` of a subscription.', resolve: ({ key }) => key }),
      name: t.exposeString('name', { nullable: false, description: 'What people call it.' }),
      description: t.exposeString('description', { nullable: false, description: 'What it looks like.' }),
      contentType: t.field({
        type: enums.contentType,
        description: 'What it is written in.',
        resolve: ({ fields }) => fields.contentType,
      }),
      template: t.string({ description: 'The template of the body.', resolve: ({ fields }) => fields.template }),
      signatures: t.field({
        type: [enums.signature],
        description: 'How its receivers expect it to be signed; null: as the installation does.',
        resolve: ({ fields }) => fields.signatures as never,
      }),
    }),
  });
  builder.queryField('webhookPresets', (t) =>
    t.field({
      type: [preset],
      nullable: { list: false, items: false },
      description: 'Ready body shapes to pick from.',
      resolve: () => PRESETS,
    }),
  );
}
