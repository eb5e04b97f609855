// Lists the declared fields of a subscription, in the order in which people read them. Loads no part of the engine, so
// that the command line can import it too.
import { AUTH } from './base/fields/auth.js';
import { ON_FAILURE, PHASE, TIMEOUT_MS } from './base/fields/before-hook.js';
import {
  COALESCING,
  CONTENT_TYPE,
  ERROR_TEMPLATE,
  NUMBERED,
  ORDERING,
  QUERY,
  RELATED_CHANGES,
  SKIP_UNREAD,
  TEMPLATE,
  VALIDATION_TEMPLATE,
} from './base/fields/content.js';
import type { Field } from './base/fields/field.js';
import { DESCRIPTION, DISABLED, ENVIRONMENTS, INTEGRATION, NAME, TOPIC } from './base/fields/labels.js';
import { RATE_LIMIT, RECORDING, RETRY } from './base/fields/limits.js';
import { HEADERS, SHARED_SECRET, SIGNATURES } from './base/fields/signing.js';
import type { DestinationInputs } from './base/model.js';
import { DESTINATIONS } from './destinations/registry.js';

export { CONTENT_TYPE_ENUM } from './base/fields/content.js';
export type { CommandOption, EnumType, Field, FieldType, RecordType } from './base/fields/field.js';
export { describeField } from './base/fields/field.js';
export { SIGNATURE_ENUM } from './base/fields/signing.js';
export { DELIVERY_KINDS, DELIVERY_STATES } from './base/model.js';
export { STAGES } from './base/stages.js';
export { WHY_NOT_CODES } from './operations/why-not-codes.js';

const BEFORE_DESTINATIONS = [NAME, DESCRIPTION, TOPIC] as const;
const AFTER_DESTINATIONS = [
  COALESCING,
  ORDERING,
  NUMBERED,
  SKIP_UNREAD,
  RELATED_CHANGES,
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

export type FieldName = (typeof BEFORE_DESTINATIONS | typeof AFTER_DESTINATIONS)[number]['name'] | keyof DestinationInputs;

/** Read FIELDS when a function runs, not while a module loads, because tests add a field to it afterwards. */
export const FIELDS: Field[] = [...BEFORE_DESTINATIONS, ...DESTINATIONS.map(({ field }) => field), ...AFTER_DESTINATIONS];
