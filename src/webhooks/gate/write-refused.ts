// Defines the error that a writer gets when before-hooks refuse the write.
import { GraphQLError } from 'graphql';

export interface Refusal {
  /**
   * `CANCELLED`: a receiver refused the write. `HOOK_FAILED`: a hook could not be called and its policy is REFUSE, or the write changes too
   * many rows. `CONFLICT`: other writes kept changing the row while the hooks were called.
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
