// Lets input objects have the conditions of a list as fields.
import type { ArgBuilder } from '@pothos/core';
import type { Types } from './builder.js';

/** Makes the conditions of a list, which are declared as arguments, available as fields of an input object. */
export function asArguments(t: PothosSchemaTypes.InputFieldBuilder<Types, 'InputObject'>): ArgBuilder<Types> {
  const field = (options: never) => t.field(options);
  return Object.assign(field, { string: t.string.bind(t), id: t.id.bind(t), int: t.int.bind(t) }) as unknown as ArgBuilder<Types>;
}
