// Decides who is at fault for a resolver's error when neither the host's `faultOf` nor its source has decided.
import { GraphQLError } from 'graphql';
import { UnrepresentableValue } from '../runtime/unrepresentable-value.js';
import { isOfQuery } from '../sources/faults.js';
import { type Fault, WebhooksError } from '../webhooks/index.js';

/** Error codes that GraphQL APIs commonly use for missing permissions. */
const FORBIDDEN = new Set(['FORBIDDEN', 'UNAUTHENTICATED', 'UNAUTHORIZED', 'NOT_AUTHORIZED', 'ACCESS_DENIED']);
/** Error codes by which GraphQL servers say that they failed themselves. */
const FAILED = new Set(['INTERNAL_SERVER_ERROR', 'INTERNAL_ERROR']);

/** Messages of GraphQLErrors that graphql-js throws because a resolver returned what the schema doesn't allow. */
const OUT_OF_SCHEMA =
  /^(Enum "\w+" cannot represent value: |Expected Iterable, but did not find one for field |Abstract type "\w+" (must resolve to|was resolved to) |Expected value of type "\w+" but got: )/;

/** The message of the Error that graphql-js throws when a resolver returns `null` for a non-null field. */
const NULL_REFUSED = /^Cannot return null for non-nullable field /;

/**
 * - `data`: the owner lacks rights, or GraphQL can't represent the value.
 * - `node`: the host refused the query on purpose (a GraphQLError), or the query's arguments don't fit the database.
 * - `ours`: all other errors. A resolver or its database failed, or returned what the schema doesn't allow; only the operator can correct
 *   that.
 */
export function faultOf(error: GraphQLError): Fault {
  const { originalError: cause, extensions, message, path } = error;
  const codes = [extensions?.code, (cause as { code?: unknown } | null | undefined)?.code].map(String);
  if (cause instanceof UnrepresentableValue || cause?.name === 'ForbiddenError' || codes.some((code) => FORBIDDEN.has(code))) return 'data';
  // A root field that must not be null found nothing: perhaps the row has been deleted meanwhile.
  if (NULL_REFUSED.test(message)) return path?.length === 1 ? 'node' : 'ours';
  const isOnPurpose = !cause || cause instanceof GraphQLError || cause instanceof WebhooksError || extensions?.code != null;
  if (isOnPurpose) return OUT_OF_SCHEMA.test(message) || FAILED.has(String(extensions?.code)) ? 'ours' : 'node';
  return isOfQuery(cause) ? 'node' : 'ours';
}
