// Finds the models whose rows a Prisma operation may create, change or delete, including nested writes and cascades.
import type { Datamodel, Field, Model } from '../datamodel.js';
import type { Row } from '../prisma-types.js';

const WRITES = new Set([
  'create',
  'createMany',
  'createManyAndReturn',
  'update',
  'updateMany',
  'updateManyAndReturn',
  'upsert',
  'delete',
  'deleteMany',
]);

export const isWrite = (operation: string): boolean => WRITES.has(operation);

export function writtenTypes(datamodel: Datamodel, typename: string, operation: string, args: Row): string[] {
  const types = new Set<string>([typename]);
  const model = datamodel.modelOf(typename);
  for (const data of [args.data, args.create, args.update].flat()) addNested(datamodel, model, data, types);
  if (operation.startsWith('delete')) addCascades(datamodel, model, types);
  return [...types];
}

function addNested(datamodel: Datamodel, model: Model, data: unknown, types: Set<string>): void {
  for (const { relation, writes } of nestedWrites(model, data)) {
    const target = datamodel.modelOf(relation.type);
    types.add(target.name);
    if (writes.delete || writes.deleteMany) addCascades(datamodel, target, types);
    for (const inner of Object.values(writes).flat() as (Row | boolean | null)[]) {
      if (typeof inner !== 'object' || inner === null) continue;
      for (const next of [inner, inner.data, inner.create, inner.update].flat()) addNested(datamodel, target, next, types);
    }
  }
}

/** Returns the relations in an operation's data, each with its nested writes such as `create` and `connect`. */
export function nestedWrites(model: Model, data: unknown): { relation: Field; writes: Row }[] {
  if (typeof data !== 'object' || data === null) return [];
  return model.fields
    .filter(({ kind, name }) => kind === 'object' && typeof (data as Row)[name] === 'object' && (data as Row)[name] !== null)
    .map((relation) => ({ relation, writes: (data as Row)[relation.name] as Row }));
}

/**
 * Adds the models whose rows the database deletes, or whose foreign keys it changes, when a row of this model is
 * deleted.
 */
function addCascades(datamodel: Datamodel, gone: Model, types: Set<string>): void {
  for (const model of datamodel.models)
    for (const { type, relationFromFields, onDelete, isRequired } of model.fields) {
      if (type !== gone.name || !relationFromFields?.length) continue;
      const action = onDelete ?? (isRequired ? 'Restrict' : 'SetNull');
      if (action === 'Restrict' || action === 'NoAction') continue;
      const isNew = !types.has(model.name);
      types.add(model.name);
      if (action === 'Cascade' && isNew) addCascades(datamodel, model, types);
    }
}
