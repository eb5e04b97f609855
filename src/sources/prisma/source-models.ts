// Converts a Prisma schema to source models: tables, keys, columns and relations.
import type { SourceModel, SourceRelation } from '../source.js';
import { columnFields, type Datamodel, type Field, fieldOf, inverseOf, keyFields, type Model } from './datamodel.js';

export function sourceModels(datamodel: Datamodel): SourceModel[] {
  return datamodel.models.map((model) => ({
    typename: model.name,
    table: { schema: model.schema, name: model.table },
    key: keyFields(model).map(({ column }) => column),
    columns: Object.fromEntries(columnFields(model).map(({ column, name }) => [column, name])),
    enums: Object.fromEntries(
      columnFields(model).flatMap(({ column, values }) =>
        values ? [[column, Object.fromEntries(values.map(({ name, stored }) => [name, stored]))]] : [],
      ),
    ),
    relations: model.fields.filter(({ kind }) => kind === 'object').map((field) => toRelation(datamodel, model, field)),
  }));
}

function toRelation(datamodel: Datamodel, model: Model, relation: Field): SourceRelation {
  const other = datamodel.modelOf(relation.type);
  const { name: field, type: typename, isList } = relation;
  const columns = (of: Model, names: string[] = []) => names.map((name) => fieldOf(of, name).column);
  if (relation.relationFromFields?.length) {
    const pair = { columns: columns(model, relation.relationFromFields), foreignColumns: columns(other, relation.relationToFields) };
    return { field, typename, ...pair, holdsKey: true, isList };
  }
  const inverse = inverseOf(datamodel, model, relation);
  const pair = { columns: columns(model, inverse.relationToFields), foreignColumns: columns(other, inverse.relationFromFields) };
  return { field, typename, ...pair, holdsKey: false, isList };
}
