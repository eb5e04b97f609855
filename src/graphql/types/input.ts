// Adds the GraphQL input type WebhookSubscriptionInput, and converts its values for the engine.

import { FIELDS, type Field, type FieldType } from '../../webhooks/fields.js';
import { type Engine, type PresetKey, type SubscriptionInput, withPreset } from '../../webhooks/index.js';
import type { Builder } from '../builder.js';
import type { HostTypes } from '../host-types.js';
import { keyOfId } from '../own-nodes.js';
import type { WebhookTypes } from './index.js';

/** Adds the input type: the declared fields of a subscription, and the fields `id`, `preset` and `test`. */
export function addInput(builder: Builder, { enums, fieldTypes }: WebhookTypes) {
  const start = builder.enumType('WebhookStart', {
    description: 'Which notifications a new subscription gets first.',
    values: {
      NOW: { description: 'Only notifications of changes from now on.' },
      SNAPSHOT: {
        description:
          'The current nodes of the topic’s type, and those of changes from now on. A node of which a live notification comes meanwhile is left out. Only for `created` and `updated` topics.',
      },
    } as const,
  });
  return builder.inputType('WebhookSubscriptionInput', {
    description:
      'The fields of a subscription to create, change, preview or delete. An absent field stays as it is; `null` clears a field.',
    fields: (t) => ({
      ...fieldTypes.input(t),
      id: t.id({ description: 'The global id of the subscription to change, preview or delete.' }),
      ...(enums.preset && {
        preset: t.field({
          type: enums.preset,
          description: 'The preset whose body template and signature schemes fill in absent fields. `webhookPresets` lists all presets.',
        }),
      }),
      expectedVersion: t.int({
        description:
          'For an update: the `version` that you changed. If the subscription has another version by now, nothing is saved, and an error of the type CONFLICT says so.',
      }),
      startFrom: t.field({
        type: start,
        description:
          'Which notifications a new subscription gets first. With SNAPSHOT, the current nodes of the topic’s type are sent, too, without a gap or a repetition before the live ones. Default: NOW.',
      }),
      test: t.boolean({ description: 'Whether to send a test right after saving, as `testWebhookSubscription` does.' }),
    }),
  });
}

export type InputRef = ReturnType<typeof addInput>;

export interface Asked {
  /** The subscription's id in the database; `null` when the input has no id. */
  id: string | null;
  input: SubscriptionInput;
  test: boolean;
  expectedVersion: number | null;
}

/**
 * Converts an input for the engine: fills in the preset's fields, and decodes global ids to keys. The id of an object of another type
 * becomes '', which no row has as its key.
 */
export function readAsked(engine: Engine, host: HostTypes, written: InputRef['$inferInput']): Asked {
  const { id, test, preset, expectedVersion = null, ...given } = written as Written;
  const fields: SubscriptionInput = preset == null ? given : withPreset(given, preset);
  const typenames = { topic: 'WebhookTopic', integration: host.integration?.typename, environment: host.environment?.typename };
  const input = decodeIds(FIELDS, fields as Values, (of, globalId) => keyOfId(engine, typenames[of] ?? '', globalId));
  return { id: id == null ? null : keyOfId(engine, 'WebhookSubscription', id), input, test: test === true, expectedVersion };
}

type Values = Record<string, unknown>;
interface Written extends SubscriptionInput {
  id?: string | null;
  test?: boolean | null;
  preset?: PresetKey | null;
  expectedVersion?: number | null;
}

type Decode = (of: 'topic' | 'integration' | 'environment', globalId: string) => string;

function decodeIds(fields: readonly Field[], values: Values, decode: Decode): Values {
  const decoded = fields.flatMap(({ name, type }) => (values[name] == null ? [] : [[name, decodeValue(type, values[name], decode)]]));
  return { ...values, ...Object.fromEntries(decoded) };
}

function decodeValue(type: FieldType, value: unknown, decode: Decode): unknown {
  if (type.kind === 'ID') return decode(type.of, value as string);
  if (type.kind === 'LIST') return (value as unknown[]).map((item) => decodeValue(type.of, item, decode));
  return type.kind === 'RECORD' ? decodeIds(type.fields, value as Values, decode) : value;
}
