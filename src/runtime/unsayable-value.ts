import { GraphQLError } from 'graphql';

/** Postgres holds a value that the field's type has no word for: the field is null, and all around it stays. */
export class UnsayableValue extends GraphQLError {
  override name = 'UnsayableValue';
}
