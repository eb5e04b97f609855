// Names the sample's nodes for people, with the rights of the signed-in user.
import type { HookgraphOptions } from '../index.js';
import { delegateOf, type Row } from '../sources/prisma/index.js';
import type { Context } from './graph/context.js';
import { type NodeDefinition, tenantPath, whereTenant } from './graph/define-node.js';

type Labels = NonNullable<HookgraphOptions<Context, never>['labels']>;

/** Returns functions that read labels for rows of these types: the row's name or, for a person, the given and family name. */
export function labelsOf(definitions: NodeDefinition[]): Labels {
  const known = new Map(
    definitions.map((definition) => {
      const fields = ['name', 'firstName', 'lastName'].filter((name) => definition.model.fields.some((field) => field.name === name));
      return [definition.model.name, { fields, path: tenantPath(definition, definitions) }];
    }),
  );
  const read = async (typename: string, where: Row, { prisma, viewer }: Context, take?: number): Promise<Map<string, string>> => {
    const type = known.get(typename);
    if (!viewer || !type || type.fields.length === 0) return new Map();
    const select = Object.fromEntries(['id', ...type.fields].map((name) => [name, true]));
    const own = whereTenant(type.path, viewer.organizationId);
    const orderBy = type.fields.map((name) => ({ [name]: 'asc' }));
    const rows = await delegateOf(prisma, typename).findMany({ select, where: { AND: [where, own] }, orderBy, ...(take && { take }) });
    return new Map(
      rows.map((row) => [
        String(row.id),
        type.fields
          .map((name) => row[name])
          .filter(Boolean)
          .join(' '),
      ]),
    );
  };
  return {
    async of(nodes, context) {
      const typeOf = ({ typename }: { typename: string | null }) => typename ?? 'Organization';
      const typenames = [...new Set(nodes.map(typeOf))];
      const keysOf = (typename: string) => nodes.filter((node) => typeOf(node) === typename).map(({ key }) => key);
      const found = new Map(
        await Promise.all(typenames.map(async (name) => [name, await read(name, { id: { in: keysOf(name) } }, context)] as const)),
      );
      return nodes.map((node) => found.get(typeOf(node))?.get(node.key) || null);
    },
    async choices({ typename, search, first }, context) {
      const where = search === null ? {} : { name: { contains: search, mode: 'insensitive' } };
      return [...(await read(typename, where, context, first))].map(([key, label]) => ({ key, label }));
    },
  };
}
