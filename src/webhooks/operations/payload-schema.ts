// Derives the JSON Schema of a stored query's result from the host's schema; without a query, of the default payload.
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from 'graphql';
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Topic } from '../base/model.js';
import { announcedNode } from '../base/own-node.js';
import { checkQuery } from '../base/query/query.js';

export type JsonSchema = { [keyword: string]: unknown };

/** The JSON Schemas of known scalars. Any other scalar gets `{}`, which allows any value. */
const SCALARS: Record<string, JsonSchema> = {
  String: { type: 'string' },
  ID: { type: 'string' },
  Int: { type: 'integer' },
  Float: { type: 'number' },
  Boolean: { type: 'boolean' },
  DateTime: { type: 'string', format: 'date-time' },
  BigInt: { type: 'string', pattern: '^-?[0-9]+$' },
  Alphanumeric: { type: ['string', 'number'] },
  JSON: {},
};

/** Returns the JSON Schema of the query's result or, without a query, of the default payload for the topic; or the query's mistakes. */
export function describePayload(
  { host, settings }: Pick<Engine, 'host' | 'settings'>,
  { typename, key }: Pick<Topic, 'typename' | 'key'>,
  query: string | null,
): { schema: JsonSchema } | { problems: Problem[] } {
  const schema = host.schema();
  if (query === null) {
    if (host.defaultPayload === 'ROW') return { schema: object({ data: { type: 'object', description: ROW } }, ['data']) };
    return { schema: payloadSchema(schema, null, typename, { hasUrl: settings.objectUrl !== undefined }) };
  }
  const subject = { node: announcedNode(host, typename), topicKey: key, ...(host.pageArguments && { pageArguments: host.pageArguments }) };
  const { problems } = checkQuery(schema, query, settings.queryLimits, subject);
  return problems ? { problems } : { schema: payloadSchema(schema, query, typename) };
}

const ROW = 'The fields of the node that the owner may read.';

/**
 * Returns the JSON Schema of the payload. `nodeType` is the typename of the topic's nodes, `hasUrl` says whether the default payload has
 * the URL of the node.
 */
export function payloadSchema(schema: GraphQLSchema, query: string | null, nodeType: string, { hasUrl = true } = {}): JsonSchema {
  const data = query === null ? (hasUrl ? DEFAULT : object({ id: ID }, ['id'])) : new Derivation(schema, query, nodeType).data();
  return object({ data }, ['data']);
}

const ID: JsonSchema = { type: 'string', description: 'The global id of the node.' };

const DEFAULT = object(
  {
    id: ID,
    url: { type: 'string', format: 'uri', description: 'The URL at which an authenticated client reads the attributes of the node.' },
  },
  ['id', 'url'],
);

function object(properties: Record<string, JsonSchema>, required: string[]): JsonSchema {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** All selections of a query that fill the same key of the response (a field's alias or name). */
interface Selected {
  /** The field's definition; `null` for `__typename`. */
  field: GraphQLField<unknown, unknown> | null;
  nodes: FieldNode[];
  /** Whether a directive with a variable decides whether the field is present. */
  optional: boolean;
}

class Derivation {
  readonly #operation: OperationDefinitionNode;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();

  constructor(
    readonly schema: GraphQLSchema,
    query: string,
    readonly nodeType: string,
  ) {
    const { definitions } = parse(query);
    this.#operation = definitions.find(
      (one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION,
    ) as OperationDefinitionNode;
    for (const one of definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(one.name.value, one);
  }

  /** Returns the schema of `data`, which may be null, because an error in a non-null field can propagate to the top. */
  data(): JsonSchema {
    return orNull(this.#ofObject(this.schema.getQueryType() as GraphQLObjectType, [this.#operation.selectionSet], true));
  }

  #ofType(type: GraphQLOutputType, nodes: FieldNode[]): JsonSchema {
    if (isNonNullType(type)) return this.#present(type.ofType, nodes);
    return orNull(this.#present(type, nodes));
  }

  #present(type: GraphQLOutputType, nodes: FieldNode[]): JsonSchema {
    if (isListType(type)) return { type: 'array', items: this.#ofType(type.ofType, nodes) };
    const selections = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    if (isObjectType(type)) return this.#ofObject(type, selections);
    if (isAbstractType(type)) return this.#ofAny(this.schema.getPossibleTypes(type), selections);
    if (isEnumType(type)) return { type: 'string', enum: type.getValues().map(({ name }) => name) };
    return { ...(SCALARS[(type as GraphQLNamedType).name] ?? {}) };
  }

  /**
   * Returns a schema for an object of any of the types. Types whose schemas differ only in `__typename` share one schema
   * with all their typenames.
   */
  #ofAny(types: readonly GraphQLObjectType[], selections: SelectionSetNode[]): JsonSchema {
    const shapes = new Map<string, JsonSchema>();
    for (const type of types) {
      const shape = this.#ofObject(type, selections);
      const { __typename: name, ...rest } = (shape.properties as Record<string, JsonSchema>) ?? {};
      const key = JSON.stringify({ ...shape, properties: { ...rest, ...(name && { __typename: true }) } });
      const known = shapes.get(key);
      if (!known) shapes.set(key, shape);
      else if (name) {
        const names = (known.properties as Record<string, { enum: string[] }>).__typename as { enum: string[] };
        names.enum.push(...((name as { enum: string[] }).enum ?? []));
      }
    }
    const [only, ...others] = [...shapes.values()];
    return others.length === 0 ? (only ?? {}) : { anyOf: [only, ...others] };
  }

  #ofObject(type: GraphQLObjectType, selections: readonly SelectionSetNode[], isRoot = false): JsonSchema {
    const selected = new Map<string, Selected>();
    for (const selection of selections) this.#collect(type, selection, false, selected);
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const [key, { field, nodes, optional }] of selected) {
      properties[key] = field === null ? { type: 'string', enum: [type.name] } : this.#ofField(field, nodes, isRoot);
      if (!optional) required.push(key);
    }
    return object(properties, required);
  }

  #ofField(field: GraphQLField<unknown, unknown>, nodes: FieldNode[], isRoot: boolean): JsonSchema {
    const concrete = isRoot && field.name === 'node' && nodes.every(asksForNode) ? this.schema.getType(this.nodeType) : null;
    const shape = isObjectType(concrete)
      ? orNull(
          this.#ofObject(
            concrete,
            nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
          ),
        )
      : this.#ofType(field.type, nodes);
    return field.description && !('description' in shape) ? { description: field.description, ...shape } : shape;
  }

  #collect(type: GraphQLObjectType, { selections }: SelectionSetNode, conditional: boolean, selected: Map<string, Selected>): void {
    for (const one of selections) {
      const condition = conditionOf(one.directives ?? []);
      if (condition === 'never') continue;
      const optional = conditional || condition === 'sometimes';
      if (one.kind === Kind.FIELD) {
        const key = one.alias?.value ?? one.name.value;
        const known = selected.get(key);
        if (known) {
          known.nodes.push(one);
          known.optional &&= optional;
        } else
          selected.set(key, {
            field: one.name.value === '__typename' ? null : (type.getFields()[one.name.value] ?? null),
            nodes: [one],
            optional,
          });
        continue;
      }
      const fragment = one.kind === Kind.FRAGMENT_SPREAD ? this.#fragments.get(one.name.value) : one;
      const applicable = fragment?.typeCondition ? this.schema.getType(fragment.typeCondition.name.value) : type;
      const applies = applicable === type || (isAbstractType(applicable) && this.schema.isSubType(applicable, type));
      if (fragment && applies) this.#collect(type, fragment.selectionSet, optional, selected);
    }
  }
}

/** Whether the field is `node(id: $nodeId)`, whose result has the topic's node type. */
function asksForNode({ arguments: args = [] }: FieldNode): boolean {
  const [id] = args;
  return args.length === 1 && id?.value.kind === Kind.VARIABLE && id.value.name.value === 'nodeId';
}

function conditionOf(directives: NonNullable<FieldNode['directives']>): 'always' | 'sometimes' | 'never' {
  let condition: 'always' | 'sometimes' = 'always';
  for (const { name, arguments: args = [] } of directives) {
    const value = args.find((argument) => argument.name.value === 'if')?.value;
    if ((name.value !== 'include' && name.value !== 'skip') || !value) continue;
    if (value.kind !== Kind.BOOLEAN) condition = 'sometimes';
    else if (value.value !== (name.value === 'include')) return 'never';
  }
  return condition;
}

function orNull(schema: JsonSchema): JsonSchema {
  const { type, enum: values, anyOf } = schema;
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...anyOf, { type: 'null' }] };
  if (type === undefined) return schema;
  return { ...schema, type: [type, 'null'].flat(), ...(Array.isArray(values) && { enum: [...values, null] }) };
}
