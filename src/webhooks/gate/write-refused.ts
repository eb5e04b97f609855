// Why a write doesn't happen: thrown to whoever was about to do it.
import { GraphQLError } from 'graphql';

export interface Refusal {
  /** `CANCELLED`: a receiver said no. `HOOK_FAILED`: it could not be asked, and refuses then. `CONFLICT`: the row changes all the time. */
  type: 'CANCELLED' | 'HOOK_FAILED' | 'CONFLICT';
  /** For whoever writes; the subscription's owner finds more in its deliveries. */
  message: string;
}

/** A GraphQLError, so that a server that masks the errors of resolvers answers the refusal all the same. */
export class WriteRefused extends GraphQLError {
  override name = 'WriteRefused';
  constructor(readonly refusals: Refusal[]) {
    super(refusals.map(({ message }) => message).join('\n'), { extensions: { code: 'WRITE_REFUSED', refusals } });
  }
}
