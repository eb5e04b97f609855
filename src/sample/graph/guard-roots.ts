// Restricts the root fields of the served schema by the scope of the API token, and makes them read `asOf` (the time up to which a list is
// complete) before any row.
import type { GraphQLSchema } from 'graphql';
import { readAsOfFirst } from './as-of.js';
import { requireScopes } from './require-scopes.js';

/** A mutation that changes nothing, so that it requires only the scope READ. */
const PREVIEW = 'previewWebhookSubscription';

/**
 * Wraps the resolvers of the root fields of `served`, in place.
 * @param own the sample product's schema without Hookgraph's API; its mutations require the scope ADMIN
 */
export function guardRoots(served: GraphQLSchema, own: GraphQLSchema): void {
  const mutations = (schema: GraphQLSchema) => Object.keys(schema.getMutationType()?.getFields() ?? {});
  const domain = new Set(mutations(own));
  requireScopes(served, (name) => (domain.has(name) ? 'ADMIN' : name === PREVIEW ? 'READ' : 'MANAGE_WEBHOOKS'));
  readAsOfFirst(served);
}
