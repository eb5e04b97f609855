// Builds the schema of Hookgraph's GraphQL API, which is served alone, or merged into a host's schema by mergeApi.
import type { GraphQLSchema } from 'graphql';
import type { Execution } from '../runtime/fair-share.js';
import type { Actor, Engine } from '../webhooks/index.js';
import { createAccess } from './access.js';
import { createBuilder } from './builder.js';
import { addHostTypes, type HostTypenames, type LoadNode } from './host-types.js';
import type { Labels } from './label-of.js';
import { addBulkMutations } from './mutations/bulk-actions.js';
import { addCreateSeveral } from './mutations/create-several.js';
import { addSendAgain } from './mutations/resend.js';
import { addRotation } from './mutations/rotate-secret.js';
import { addMutations } from './mutations/save.js';
import { addSwitch } from './mutations/switch-group.js';
import { addTryOut } from './mutations/try-out.js';
import { addOperators, type Operators } from './operators.js';
import { loadOwn, type OwnTypename } from './own-nodes.js';
import { addBooks } from './queries/books.js';
import { addById } from './queries/by-id.js';
import { addChanges } from './queries/changes.js';
import { addDestinations } from './queries/destinations.js';
import { addErrorTemplate } from './queries/error-template.js';
import { addQueries } from './queries/lists.js';
import { addOrganization } from './queries/organization.js';
import { addWhyNot } from './queries/why-not.js';
import { addAudit } from './types/audit.js';
import { addDismissal } from './types/error.js';
import { addForgetting } from './types/forgetting.js';
import { addTypes } from './types/index.js';
import { addInput } from './types/input.js';
import { addGroups } from './types/integration.js';
import { addLabels } from './types/labels.js';
import { addPresets } from './types/preset.js';
import { addReplaying } from './types/replay.js';
import { addRetention } from './types/retention.js';
import { addViewer } from './types/viewer.js';
import { addUserError } from './user-error.js';

export interface ApiOptions {
  /**
   * Returns the engine, and the signed-in user as the actor (`null` when no user is signed in). May be called more than once for a context.
   * `share`: makes the reads of a query wait until its organization uses less than its fair share of the connections.
   */
  access(context: object): { engine: Engine; actor: Actor | null; share?: Execution | null };
  /**
   * The names of the host's types for owners, integrations and environments. The API has no fields, arguments and
   * mutations about a type that isn't named.
   */
  types?: HostTypenames;
  loadNode?: LoadNode;
  /** Decodes the host's global ids. Default: `fromGlobalId` of the host in the engine that `access` returns; calls `access` for each id. */
  decodeId?(id: string): DecodedId | null;
  /** Whether presets (body formats of well-known systems) are offered. Default: no. */
  presets?: boolean;
  /** The host's names of nodes for people, and the nodes to choose from. Default: no names. */
  labels?: Labels;
  /** Adds the fields for those who operate the installation, such as `webhookCheck`. Without it these fields don't exist. */
  operators?: Operators;
}

interface DecodedId {
  typename: string;
  key: string;
}

export interface Api {
  schema: GraphQLSchema;
  /** The names of all mutations, which a host may restrict to some users. */
  mutations: string[];
  /** The names of the placeholder types, which mergeApi replaces by the host's types. */
  placeholders: string[];
  /** Decodes a global id; `null` when the text isn't a global id. */
  decodeId(id: string, context: object): DecodedId | null;
  /** Loads an object of this API with the signed-in user's rights; `null` when it doesn't exist or this user may not read it. */
  load(typename: OwnTypename, key: string, context: object): Promise<object | null>;
}

/**
 * Creates Hookgraph's GraphQL schema, which can be served alone or given to mergeApi.
 * @throws WebhooksError `NO_LOADER` when `types` are given without `loadNode`
 */
export function createApi({
  access: open,
  types: typenames = {},
  loadNode,
  decodeId,
  presets = false,
  operators,
  labels = {},
}: ApiOptions): Api {
  const builder = createBuilder();
  const access = createAccess(open, labels);
  const host = addHostTypes(builder, access, typenames, loadNode);
  const types = addTypes(builder, { access, host, presets });
  const userError = addUserError(builder, types.place);
  addQueries(builder, access, types);
  addChanges(builder, access, types, operators);
  addById(builder, access, types);
  const input = addInput(builder, types);
  addMutations(builder, access, { types, userError, input });
  addCreateSeveral(builder, access, { types, userError, input });
  addTryOut(builder, access, { types, userError, input });
  addSendAgain(builder, access, { types, userError });
  addBulkMutations(builder, access, { types, userError });
  addReplaying(builder, access, { replay: types.replay, userError, parts: types });
  addErrorTemplate(builder, access, { types, userError });
  addForgetting(builder, access, userError);
  addRetention(builder, access, userError);
  addWhyNot(builder, access, types);
  addBooks(builder, access, types);
  addDestinations(builder, access);
  addOrganization(builder, access, types);
  addViewer(builder, access, host);
  addLabels(builder, access, types, labels);
  addPresets(builder, types);
  addRotation(builder, access, { types, userError });
  addDismissal(builder, access, userError);
  addGroups(builder, access, types);
  if (host.integration) addSwitch(builder, access, { integration: host.integration, types, userError });
  addAudit(builder, access, types);
  if (operators) addOperators(builder, access, { operators, enums: types.enums, userError });
  const schema = builder.toSchema();
  return {
    schema,
    mutations: Object.keys(schema.getMutationType()?.getFields() ?? {}),
    placeholders: host.placeholders,
    decodeId: decodeId ?? ((id, context) => open(context).engine.host.fromGlobalId(id)),
    load: async (typename, key, context) => loadOwn(access(context), typename, key),
  };
}
