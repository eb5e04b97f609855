// Lists ready-made body templates and signature schemes that produce the formats of well-known webhook systems.
import type { SubscriptionInput } from './save/input.js';

export type PresetKey = 'UP42' | 'SCURRI' | 'SCALR' | 'SERVO' | 'STANDARD_WEBHOOKS';

type PresetFields = Required<Pick<SubscriptionInput, 'contentType' | 'template'>> & Pick<SubscriptionInput, 'signatures'>;

export interface Preset {
  key: PresetKey;
  name: string;
  description: string;
  fields: PresetFields;
}

/** `data` in each template is the result of the stored query, or the default payload without a query. */
export const PRESETS: Preset[] = [
  {
    key: 'UP42',
    name: 'UP42',
    description:
      'An envelope with the event, a flag for live events, the message id, its time and the data; the signature covers three headers and the digest of the body.',
    fields: {
      contentType: 'JSON',
      signatures: ['UP42'],
      template: `{
  "event": {{ notification.topic | replace: "/", "." | json }},
  "liveMode": {{ notification.live }},
  "messageId": {{ notification.id | json }},
  "timestamp": {{ notification.time | json }},
  "body": {{ data | json }}
}`,
    },
  },
  {
    key: 'SCURRI',
    name: 'Scurri',
    description: 'The type and id of the event, the version of its payload, and the data; for HTTPS endpoints, SNS topics and SQS queues.',
    fields: {
      contentType: 'JSON',
      template: `{
  "event_type": {{ notification.topic | replace: "/", "_" | json }},
  "event_id": {{ notification.id | json }},
  "payload_version": {{ notification.topicVersion | json }},
  "payload": {{ data | json }}
}`,
    },
  },
  {
    key: 'SCALR',
    name: 'Scalr',
    description: 'The event name, the data under the name of the node type, and the webhook id; the signature covers body and date.',
    fields: {
      contentType: 'JSON',
      signatures: ['SCALR'],
      template: `{
  "payload-version": 1,
  "event-name": {{ notification.topic | replace: "/", ":" | json }},
  {{ notification.topic | split: "/" | first | json }}: {{ data | json }},
  "webhook": { "id": {{ notification.webhookId | json }} }
}`,
    },
  },
  {
    key: 'SERVO',
    name: 'Servo',
    description: 'The event with its phase, the time, and a list of results; the signature covers the body.',
    fields: {
      contentType: 'JSON',
      signatures: ['SERVO'],
      template: `{
  "event": "{{ notification.phase }}:{{ notification.topic }}",
  "created_at": {{ notification.time | json }},
  "results": [{ "connector": {{ notification.nodeType | json }}, "value": {{ data | json }} }]
}`,
    },
  },
  {
    key: 'STANDARD_WEBHOOKS',
    name: 'Standard Webhooks',
    description: 'Type, timestamp and data, as https://www.standardwebhooks.com recommends; the signature covers id, time and body.',
    fields: {
      contentType: 'JSON',
      signatures: ['STANDARD_WEBHOOKS'],
      template: `{
  "type": {{ notification.topic | replace: "/", "." | json }},
  "timestamp": {{ notification.time | json }},
  "data": {{ data | json }}
}`,
    },
  },
];

/** Adds the preset's fields to the input. Fields of the input override them. */
export function withPreset(input: SubscriptionInput, key: PresetKey): SubscriptionInput {
  const preset = PRESETS.find((one) => one.key === key) as Preset;
  return { ...preset.fields, ...input };
}
