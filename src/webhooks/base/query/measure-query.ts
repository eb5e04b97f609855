// An operation, its fragments and the schema -> how much it selects, and where it selects most. Each fragment is measured once.
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  type ValueNode,
} from 'graphql';
import { PAGE } from '../store/page.js';

/** What a selection comes to, fragments expanded. */
export interface Size {
  fields: number;
  /** Fields of the set itself. */
  width: number;
  depth: number;
  aliases: number;
  /** Fields of the answer, at most: each one times the sizes of the pages and lists above it. */
  cost: number;
  /** The same of what is asked about the schema. */
  introspection: number;
}

/** `paged`: what each element of lists costs whose length the field above says, such as the nodes of a connection. */
interface OpenSize extends Size {
  paged: number;
}

export interface Measured extends Size {
  /** The selection that alone breaks the limit or, where several do together, the largest of the last that does. */
  worst(metric: keyof Size, limit: number): SelectionNode | OperationDefinitionNode;
  /** Spreads by which a fragment gets back into itself; they count nothing. */
  cycles: { spread: SelectionNode; message: string }[];
  /** The names of the fragments that it spreads, also within each other. */
  spread: ReadonlySet<string>;
}

const NOTHING: OpenSize = { fields: 0, width: 0, depth: 0, aliases: 0, cost: 0, introspection: 0, paged: 0 };
/** Beyond what anybody allows, and far from where doubles end. */
const ENDLESS = 1e15;
/** Lists of the introspection: `types`, and the others such as fields, arguments, values. Not as many as there are: a schema may grow. */
const TYPES = 100;
const INTROSPECTED = 4;

/** `variables`: the values that the request brings; absent: a page whose size is a variable is the greatest. */
export function measureQuery(
  schema: GraphQLSchema,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  operation: OperationDefinitionNode,
  variables?: Record<string, unknown>,
): Measured {
  const sizes = new Map<SelectionNode, OpenSize>();
  const ofFragments = new Map<string, OpenSize>();
  const path: string[] = [];
  const cycles: Measured['cycles'] = [];
  const root = schema.getRootType(operation.operation) ?? undefined;
  const { paged, ...size } = setSize(operation.selectionSet, root);
  const total = { ...size, cost: bounded(size.cost + paged * PAGE.usual) };

  function setSize(set: SelectionSetNode, parent: GraphQLNamedType | undefined): OpenSize {
    const sum = { ...NOTHING };
    for (const selection of set.selections) {
      const own = sizeOf(selection, parent);
      sizes.set(selection, own);
      sum.fields = bounded(sum.fields + own.fields);
      sum.width = bounded(sum.width + own.width);
      sum.aliases = bounded(sum.aliases + own.aliases);
      sum.cost = bounded(sum.cost + own.cost);
      sum.introspection = bounded(sum.introspection + own.introspection);
      sum.paged = bounded(sum.paged + own.paged);
      sum.depth = Math.max(sum.depth, own.depth);
    }
    return sum;
  }

  function sizeOf(selection: SelectionNode, parent: GraphQLNamedType | undefined): OpenSize {
    if (selection.kind === Kind.FIELD) return fieldSize(selection, fieldOf(parent, selection.name.value));
    if (selection.kind === Kind.INLINE_FRAGMENT)
      return setSize(selection.selectionSet, selection.typeCondition ? schema.getType(selection.typeCondition.name.value) : parent);
    const name = selection.name.value;
    const fragment = fragments.get(name);
    const known = ofFragments.get(name);
    if (known || !fragment) return known ?? NOTHING;
    if (path.includes(name)) {
      const via = path.slice(path.indexOf(name) + 1).map((one) => `"${one}"`);
      const message = `Cannot spread fragment "${name}" within itself${via.length > 0 ? ` via ${via.slice(0, 5).join(', ')}` : ''}`;
      cycles.push({ spread: selection, message });
      return NOTHING;
    }
    path.push(name);
    const size = setSize(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
    path.pop();
    ofFragments.set(name, size);
    return size;
  }

  function fieldSize(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): OpenSize {
    const type = field && getNamedType(field.type);
    const inner = node.selectionSet ? setSize(node.selectionSet, type) : NOTHING;
    const isList = field !== undefined && isListType(getNullableType(field.type));
    const about = type && isIntrospectionType(type) && node.name.value.startsWith('__');
    const each = bounded(inner.cost + inner.paged * pageOf(node, field));
    const length = isList ? listLength(node, type) : null;
    const cost = bounded(1 + each * (length ?? 1));
    const open = isList && length === null;
    return {
      fields: bounded(inner.fields + 1),
      width: 1,
      depth: inner.depth + 1,
      aliases: bounded(inner.aliases + (node.alias ? 1 : 0)),
      cost: about ? 0 : open ? 1 : cost,
      introspection: bounded(about ? cost : inner.introspection),
      paged: open ? each : 0,
    };
  }

  /** How many elements the lists directly below this field have. */
  function pageOf(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): number {
    const sizes = (field?.args ?? []).flatMap(({ name, defaultValue }) =>
      name === 'first' || name === 'last' ? [numberOf(argument(node, name), defaultValue)] : [],
    );
    return Math.max(...sizes, 0) || PAGE.usual;
  }

  /** null: whatever the field above says. */
  function listLength(node: FieldNode, type: GraphQLNamedType | undefined): number | null {
    const ids = argument(node, 'ids');
    if (ids?.kind === Kind.LIST) return ids.values.length;
    if (ids?.kind === Kind.VARIABLE) {
      const { given, otherwise } = variable(ids.name.value);
      if (Array.isArray(given)) return given.length;
      return given === undefined && otherwise?.kind === Kind.LIST ? otherwise.values.length : PAGE.greatest;
    }
    if (!type || !isIntrospectionType(type)) return null;
    return node.name.value === 'types' ? TYPES : INTROSPECTED;
  }

  /** 0: not said. */
  function numberOf(value: ValueNode | undefined, fallback: unknown): number {
    if (value?.kind === Kind.INT) return Math.min(Number(value.value), ENDLESS);
    if (value?.kind !== Kind.VARIABLE) return typeof fallback === 'number' ? fallback : 0;
    if (!variables) return PAGE.greatest;
    const { given, otherwise } = variable(value.name.value);
    if (given === undefined) return numberOf(otherwise, fallback);
    return typeof given === 'number' ? Math.min(given, ENDLESS) : 0;
  }

  /** What the request brings, and what the operation says where it brings nothing. */
  function variable(name: string): { given: unknown; otherwise: ValueNode | undefined } {
    const declared = operation.variableDefinitions?.find((one) => one.variable.name.value === name);
    return { given: variables && Object.hasOwn(variables, name) ? variables[name] : undefined, otherwise: declared?.defaultValue };
  }

  function worst(metric: keyof Size, limit: number): SelectionNode | OperationDefinitionNode {
    let found: SelectionNode | OperationDefinitionNode = operation;
    let set: SelectionSetNode | undefined = operation.selectionSet;
    let left = limit;
    const seen = new Set<SelectionSetNode>();
    const heavy = (one: SelectionNode) => weigh(sizes.get(one) ?? NOTHING, metric);
    while (set && !seen.has(set)) {
      seen.add(set);
      const next: SelectionNode = set.selections.reduce((most, one) => (heavy(one) > heavy(most) ? one : most));
      if (metric !== 'depth' && heavy(next) <= left) return found === operation ? next : found;
      if (metric === 'depth' && next.kind === Kind.FIELD && left-- === 0) return next;
      found = next;
      set = next.kind === Kind.FRAGMENT_SPREAD ? fragments.get(next.name.value)?.selectionSet : next.selectionSet;
    }
    return found;
  }

  return { ...total, worst, cycles, spread: new Set(ofFragments.keys()) };
}

const bounded = (size: number): number => Math.min(size, ENDLESS);

const weigh = (size: OpenSize, metric: keyof Size): number => (metric === 'cost' ? size.cost + size.paged : size[metric]);

const argument = (node: FieldNode, name: string): ValueNode | undefined => node.arguments?.find((one) => one.name.value === name)?.value;

function fieldOf(parent: GraphQLNamedType | undefined, name: string): GraphQLField<unknown, unknown> | undefined {
  if (name === '__schema') return SchemaMetaFieldDef;
  if (name === '__type') return TypeMetaFieldDef;
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
}
