// Defines the GraphQL type UserError, and converts the engine's problems to the `errors` and `warnings` of a mutation's payload.
import type { ObjectRef } from '@pothos/core';
import type { Place, Problem } from '../webhooks/index.js';
import type { Builder, Types } from './builder.js';
import type { PlaceRef } from './types/place.js';

/**
 * An error or warning of a mutation. A class, so that the resolvers that mergeApi adds to a host's UserError recognise Hookgraph's values
 * by `instanceof`.
 */
export class UserError {
  constructor(
    /** The name of the input field; `base` when the problem isn't about a single field. */
    readonly field: string,
    readonly message: string,
    readonly type: string,
    /** The field's path in the arguments. */
    readonly path: string[],
    /** The position in the query or template that the field contains; `null` when the mistake isn't about a position. */
    readonly place: Place | null,
  ) {}

  /**
   * Joins field and message: `firstName` and `can't be blank` make `First name can't be blank`. A message that is a sentence of its own, or
   * is about a position in a text, follows a colon: `Query: Cannot query field …`.
   */
  get fullMessage(): string {
    if (this.field === 'base') return this.message.charAt(0).toUpperCase() + this.message.slice(1);
    const words = this.field
      .replace(/Ids?$/, '')
      .replace(/([A-Z])/g, ' $1')
      .toLowerCase();
    const isApart = this.place !== null || /^[A-Z]/.test(this.message);
    return `${words.charAt(0).toUpperCase()}${words.slice(1)}${isApart ? ':' : ''} ${this.message}`;
  }
}

export type UserErrorRef = ObjectRef<Types, UserError>;

export function addUserError(builder: Builder, place: PlaceRef): UserErrorRef {
  return builder.objectType(UserError, {
    name: 'UserError',
    description: 'A mistake in the input of a mutation.',
    fields: (t) => ({
      field: t.exposeString('field', {
        nullable: false,
        description: 'The field of the input; `base` when the mistake is not about a single field.',
      }),
      message: t.exposeString('message', { nullable: false, description: 'The mistake, without the name of the field.' }),
      fullMessage: t.exposeString('fullMessage', { nullable: false, description: 'The field and the message in one sentence.' }),
      path: t.exposeStringList('path', { nullable: false, description: 'The path of the field in the arguments.' }),
      type: t.exposeString('type', { nullable: false, description: 'The kind of mistake, for programs, e.g. `BLANK` or `NOT_FOUND`.' }),
      place: t.field({
        type: place,
        description: 'The position of the mistake in a query or template; `null` when the mistake has no position.',
        resolve: (error) => error.place,
      }),
    }),
  }) as UserErrorRef;
}

export interface Answered {
  /** The problems of a mutation. A problem of an argument outside the input has its own `path`, which replaces the input's path. */
  problems: (Problem & { path?: string[] })[];
  /** The input's path in the arguments. */
  path: string[];
}

/** Returns the Pothos options of the field `errors` of a mutation's payload. */
export function errorsOf(userError: UserErrorRef, description: string) {
  return listOf(userError, description, false);
}

/** Returns the Pothos options of the field `warnings` of a mutation's payload. */
export function warningsOf(userError: UserErrorRef, description: string) {
  return listOf(userError, description, true);
}

function listOf(userError: UserErrorRef, description: string, warnings: boolean) {
  return {
    type: [userError] as [UserErrorRef],
    nullable: { list: false as const, items: false as const },
    description,
    resolve: ({ problems, path }: Answered) => answer(problems, path, warnings),
  };
}

function answer(problems: Answered['problems'], path: string[], warnings: boolean): UserError[] {
  return problems
    .filter(({ severity }) => (severity === 'warning') === warnings)
    .map(({ field, message, type = 'INVALID', path: own, place = null }) => {
      const fullPath = own ?? (field === 'base' ? path : [...path, ...field.split('.')]);
      return new UserError(field, message, type, fullPath, place);
    });
}
