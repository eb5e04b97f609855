// Defines the error that a writer gets when before-hooks refuse the write.
import { GraphQLError } from 'graphql';

export interface Refusal {
  /**
   * `CANCELLED`: a receiver refused. `HOOK_FAILED`: calling the hook failed and its policy is REFUSE. `CONFLICT`: the row kept
   * changing.
   */
  type: 'CANCELLED' | 'HOOK_FAILED' | 'CONFLICT';
  /** A message for the writer. The subscription's owner finds details in its deliveries. */
  message: string;
}

/** A GraphQLError, so that servers that mask the errors of resolvers still return the refusal. */
export class WriteRefused extends GraphQLError {
  override name = 'WriteRefused';
  constructor(readonly refusals: Refusal[]) {
    super(refusals.map(({ message }) => message).join('\n'), { extensions: { code: 'WRITE_REFUSED', refusals } });
  }
}
