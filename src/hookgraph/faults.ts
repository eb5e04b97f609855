// Decides who is at fault for a resolver's error when neither the host's `faultOf` nor its source has decided.
import type { GraphQLError } from 'graphql';
import { NoSlotError } from '../runtime/fair-share.js';
import { UnrepresentableValue } from '../runtime/unrepresentable-value.js';
import { isTroubleCode } from '../sources/faults.js';
import type { Fault } from '../webhooks/index.js';
import { StaleCatalog } from './tables-host.js';

/** Error codes that GraphQL APIs commonly use for missing permissions. */
const FORBIDDEN = new Set(['FORBIDDEN', 'UNAUTHENTICATED', 'UNAUTHORIZED', 'NOT_AUTHORIZED', 'ACCESS_DENIED']);

const NETWORK_TROUBLE = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH)$/;

export function faultOf(error: GraphQLError): Fault {
  const cause = error.originalError;
  const codes = [error.extensions?.code, (cause as { code?: unknown } | null | undefined)?.code].map(String);
  if (cause instanceof UnrepresentableValue || cause?.name === 'ForbiddenError' || codes.some((code) => FORBIDDEN.has(code))) return 'data';
  if (
    cause instanceof NoSlotError ||
    cause instanceof StaleCatalog ||
    codes.some((code) => isTroubleCode(code) || NETWORK_TROUBLE.test(code))
  )
    return 'ours';
  return 'node';
}
