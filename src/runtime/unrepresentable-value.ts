// Defines the error for a database value that GraphQL cannot represent.
import { GraphQLError } from 'graphql';

/**
 * Thrown for a database value that the field's GraphQL type can't represent, such as an infinite timestamp. The field is
 * nullable, so only this field becomes null.
 */
export class UnrepresentableValue extends GraphQLError {
  override name = 'UnrepresentableValue';
}
