// Declares the field `callbackUrl`: the URL that a subscription posts notifications to.
import type { Field } from '../../base/fields/field.js';

export const CALLBACK_URL = {
  name: 'callbackUrl',
  type: { kind: 'TEXT' },
  description: 'The https URL that notifications are posted to. Setting it removes another destination.',
  output: { description: 'The URL that notifications are posted to. `null` when they go to another destination.' },
  destination: true,
  option: { flags: '--url <url>', help: 'the https URL that notifications are posted to' },
} as const satisfies Field;
