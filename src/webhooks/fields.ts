// Lists the declared fields of a subscription, in the order in which people read them. Loads no part of the engine, so
// that the command line can import it too.
import { AUTH } from './base/fields/auth.js';
import { ON_FAILURE, PHASE, TIMEOUT_MS } from './base/fields/before-hook.js';
import { CONTENT_TYPE, ERROR_TEMPLATE, QUERY, TEMPLATE, VALIDATION_TEMPLATE } from './base/fields/content.js';
import type { Field } from './base/fields/field.js';
import { DISABLED, ENVIRONMENTS, INTEGRATION, NAME, TOPIC } from './base/fields/labels.js';
import { RATE_LIMIT, RECORDING, RETRY } from './base/fields/limits.js';
import { HEADERS, SHARED_SECRET, SIGNATURES } from './base/fields/signing.js';
import { CALLBACK_URL } from './destinations/https/field.js';
import { SNS } from './destinations/sns/field.js';

export { CONTENT_TYPE_ENUM } from './base/fields/content.js';
export type { CommandOption, EnumType, Field, FieldType, RecordType } from './base/fields/field.js';
export { describeField } from './base/fields/field.js';
export { SIGNATURE_ENUM } from './base/fields/signing.js';

const DECLARED = [
  NAME,
  TOPIC,
  CALLBACK_URL,
  SNS,
  CONTENT_TYPE,
  QUERY,
  VALIDATION_TEMPLATE,
  TEMPLATE,
  ERROR_TEMPLATE,
  SHARED_SECRET,
  SIGNATURES,
  HEADERS,
  AUTH,
  INTEGRATION,
  ENVIRONMENTS,
  RETRY,
  RATE_LIMIT,
  RECORDING,
  PHASE,
  ON_FAILURE,
  TIMEOUT_MS,
  DISABLED,
] as const;

export type FieldName = (typeof DECLARED)[number]['name'];

/** Read it when it is used, not when a module is loaded: a test joins a field of its own. */
export const FIELDS: Field[] = [...DECLARED];
