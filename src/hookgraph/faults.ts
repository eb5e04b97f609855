// Tells whose fault an error of a resolver is, where neither the host nor its source knows.
import type { GraphQLError } from 'graphql';
import { NoTurnError } from '../runtime/fair-share.js';
import { UnsayableValue } from '../runtime/unsayable-value.js';
import type { Fault } from '../webhooks/index.js';
import { StaleCatalog } from './tables-host.js';

/** What APIs answer when somebody may not read something. */
const FORBIDDEN = new Set(['FORBIDDEN', 'UNAUTHENTICATED', 'UNAUTHORIZED', 'NOT_AUTHORIZED', 'ACCESS_DENIED']);

/** Postgres' classes for lost connections, deadlocks, too few resources, ended statements and internal errors, and for locks held too long. */
const POSTGRES_TROUBLE = /^(08|40|53|57|58|XX|55P03)/;

const NETWORK_TROUBLE = /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND|EHOSTUNREACH|ENETUNREACH)$/;

export function faultOf(error: GraphQLError): Fault {
  const cause = error.originalError;
  const codes = [error.extensions?.code, (cause as { code?: unknown } | null | undefined)?.code].map(String);
  if (cause instanceof UnsayableValue || cause?.name === 'ForbiddenError' || codes.some((code) => FORBIDDEN.has(code))) return 'data';
  if (
    cause instanceof NoTurnError ||
    cause instanceof StaleCatalog ||
    codes.some((code) => POSTGRES_TROUBLE.test(code) || NETWORK_TROUBLE.test(code))
  )
    return 'ours';
  return 'node';
}
