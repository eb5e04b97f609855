// Assigns the mistakes that the API returns to the fields of the form.
import type { Place } from '../../editors/place.js';
import type { Draft } from './draft.js';

export interface ApiMistake {
  /** The path in the arguments, such as `['webhookSubscription', 'auth', 'basic', 'password']`. */
  path: string[];
  message: string;
  fullMessage: string;
  type: string;
  place: Place | null;
}

export interface FieldMistake {
  message: string;
  place: Place | null;
}

export interface FieldMistakes {
  errors: readonly FieldMistake[];
  warnings: readonly FieldMistake[];
}

export const NO_MISTAKES: FieldMistakes = { errors: [], warnings: [] };

/** The form's name of each input field for which the API has a different path. */
const RENAMED: Record<string, string> = {
  sharedSecret: 'secret',
  disabled: 'enabled',
  integration: 'integrationId',
  environments: 'environmentIds',
  'retry.maxTimeMs': 'retry.maxTime',
  'sns.managed': 'destination',
};

/** Groups mistakes by the field of the form; the key `''` has those that belong to no field. */
export function byField(mistakes: readonly ApiMistake[], fields: Draft): Map<string, FieldMistake[]> {
  const found = new Map<string, FieldMistake[]>();
  for (const { path, message, fullMessage, place } of mistakes) {
    const field = fieldOf(path, fields);
    const text = sentence(field === '' ? fullMessage : message);
    found.set(field, [...(found.get(field) ?? []), { message: text, place }]);
  }
  return found;
}

/** Returns the field of the form at a path of the arguments; `''` when it has none. */
function fieldOf(path: readonly string[], fields: Draft): string {
  const names = path.slice(path.findIndex((name) => /^webhookSubscriptions?$/.test(name)) + 1).filter((name) => !/^\d+$/.test(name));
  const [root = '', ...rest] = names;
  if (root === 'auth') return rest[1] ? `auth.${rest[1]}` : 'auth.kind';
  if (root === 'topic') return 'topic';
  const full = names.join('.');
  const name = RENAMED[full] ?? RENAMED[root] ?? full;
  const [first = ''] = name.split('.');
  if (!Object.hasOwn(fields, first)) return '';
  return first === 'headers' || first === 'signatures' || first === 'environmentIds' ? first : name;
}

/** Removes the source line with its caret, and the position in words, because the form shows the position beside the message. */
export function sentence(message: string): string {
  const [line = ''] = message.split('\n');
  const text = line.replace(/ \(line \d+, column \d+\)/, '');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
