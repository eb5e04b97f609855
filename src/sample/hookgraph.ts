// Configures Hookgraph for the sample product: its tables, its schema and its users.
import type { Viewer } from '../auth/viewer.js';
import type { PrismaClient } from '../generated/nodes/client.js';
import { createHookgraph, type Hookgraph, type HookgraphOptions } from '../index.js';
import type { PrismaReader } from '../sources/prisma/index.js';
import { addApiTokens } from './api-tokens.js';
import { buildSchema } from './graph/build-schema.js';
import { actorOf, type Context, createContext } from './graph/context.js';
import type { NodeDefinition } from './graph/define-node.js';
import { guardRoots } from './graph/guard-roots.js';
import { tablesOf } from './graph/tables.js';
import { labelsOf } from './labels.js';
import * as listed from './nodes/list.js';
import { source } from './prisma.js';

type Options = HookgraphOptions<Context, PrismaReader<PrismaClient>>;

/** The options that differ between installations, such as the database and the encryption keys. */
export type HooksOptions = Pick<Options, 'database' | 'keys'> &
  Partial<Pick<Options, 'databaseSchema' | 'reloadKeys' | 'log' | 'queryTimeoutMs' | 'settings'>> & {
    /** The ids of the users who operate the installation. */
    operators?: string[];
  };

const definitions: NodeDefinition[] = Object.values(listed);
const schema = buildSchema(definitions, [addApiTokens]);

export function createHooks({ operators = [], ...options }: HooksOptions): Hookgraph {
  const hooks: Hookgraph = createHookgraph<Context, PrismaReader<PrismaClient>>({
    ...options,
    schema,
    source,
    tables: tablesOf(definitions),
    types: { owner: 'User', integration: 'Integration', environment: 'Environment' },
    labels: labelsOf(definitions),
    presets: true,
    gatedTypes: definitions.map(({ model }) => model.name),
    signIn: async ({ tenant, userId }, { prisma }) => {
      const user = await prisma.user.findUnique({ where: { id: userId } });
      if (!user || user.disabled || user.organizationId !== tenant) return null;
      const viewer: Viewer = { userId, organizationId: tenant, admin: user.admin, scope: 'READ', token: null };
      return ({ prisma }) => createContext({ prisma, viewer, webhooks: hooks.webhooks });
    },
    actor: actorOf,
    operator: ({ viewer }) => viewer?.scope === 'ADMIN' && operators.includes(viewer.userId),
  });
  guardRoots(hooks.schema, schema);
  return hooks;
}
