// Defines UserError, an entry of a payload's `errors`, and UserMistake, an exception with such entries.
import type { ObjectRef } from '@pothos/core';
import type { Builder, Types } from './schema-types.js';

export interface UserError {
  /** The name of the input field; `base` when the mistake isn't about a single field. */
  field: string;
  message: string;
  /** The field's path in the arguments. */
  path: string[];
  type: 'BLANK' | 'INVALID' | 'NOT_FOUND' | 'TAKEN' | 'IN_USE' | 'FORBIDDEN' | 'CANCELLED' | 'HOOK_FAILED' | 'CONFLICT';
}

/** Thrown inside a write, so that its transaction is rolled back. The mutation returns `errors` in its payload. */
export class UserMistake extends Error {
  override name = 'UserMistake';
  constructor(readonly errors: UserError[]) {
    super(errors.map(({ field, message }) => `${field} ${message}`).join(', '));
  }
}

/** Joins field and message to a sentence: `firstName` and `can't be blank` make `First name can't be blank`. */
function fullMessage({ field, message }: UserError): string {
  if (field === 'base') return message.charAt(0).toUpperCase() + message.slice(1);
  const words = field
    .replace(/Ids?$/, '')
    .replace(/([A-Z])/g, ' $1')
    .toLowerCase();
  return `${words.charAt(0).toUpperCase()}${words.slice(1)} ${message}`;
}

export type UserErrorRef = ObjectRef<Types, UserError>;

export function addUserError(builder: Builder): UserErrorRef {
  return builder.objectRef<UserError>('UserError').implement({
    description: 'A mistake in the input of a mutation.',
    fields: (t) => ({
      field: t.exposeString('field', {
        nullable: false,
        description: 'The field of the input; `base` when the mistake is not about a single field.',
      }),
      message: t.exposeString('message', { nullable: false, description: 'The mistake, without the name of the field.' }),
      fullMessage: t.string({ nullable: false, description: 'The field and the message in one sentence.', resolve: fullMessage }),
      path: t.exposeStringList('path', { nullable: false, description: 'The path of the field in the arguments.' }),
      type: t.exposeString('type', {
        nullable: false,
        description: 'The kind of mistake, for programs; CANCELLED, HOOK_FAILED and CONFLICT come from before-hooks.',
      }),
    }),
  });
}
