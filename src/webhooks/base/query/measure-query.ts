// Measures how much an operation selects, and where it selects most. Each fragment is measured only once.
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

/** The size of a selection, with fragments expanded. */
export interface Size {
  fields: number;
  /** Fields directly in the selection set. */
  width: number;
  depth: number;
  aliases: number;
  /** Maximum number of fields in the response: each field times the page and list sizes above it. */
  cost: number;
  /** The cost of `__schema` and `__type`. */
  introspection: number;
}

/**
 * `paged` is the cost of one element of each list without a length of its own, e.g. of a node in a connection's `nodes`: a page argument of
 * the enclosing field sets the length.
 */
interface OpenSize extends Size {
  paged: number;
}

export interface Measured extends Size {
  /** The selection to report when a limit is exceeded: the innermost that exceeds it alone or, if none does, the largest at the root. */
  worst(metric: keyof Size, limit: number): SelectionNode | OperationDefinitionNode;
  /** Fragment spreads that lead back to their own fragment; they count zero. */
  cycles: { spread: SelectionNode; message: string }[];
  /** The names of the fragments that the operation spreads, directly or through other fragments. */
  spread: ReadonlySet<string>;
}

const NOTHING: OpenSize = { fields: 0, width: 0, depth: 0, aliases: 0, cost: 0, introspection: 0, paged: 0 };
/** The maximum of every size: beyond all limits, and exact as a double. */
const ENDLESS = 1e15;
/**
 * Assumed lengths of introspection lists: `types`, and others such as fields or arguments. Constants, so that a growing schema doesn't
 * make a query exceed its limit.
 */
const TYPES = 100;
const INTROSPECTED = 4;

/** The arguments that set the size of a page, unless the host names its own. */
const PAGE_ARGUMENTS: readonly string[] = ['first', 'last', 'limit', 'take', 'pageSize', 'perPage'];

/**
 * Measures one operation.
 * @param variables the variables of the request; if absent, a page size given by a variable counts as unbounded
 * @param pageArguments names of arguments, or of fields in an input object, that set the size of a page
 */
export function measureQuery(
  schema: GraphQLSchema,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  operation: OperationDefinitionNode,
  variables?: Record<string, unknown>,
  pageArguments: readonly string[] = PAGE_ARGUMENTS,
): Measured {
  const isPageArgument = (name: string): boolean => pageArguments.includes(name);
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
    const page = pageOf(node, field);
    const length = isList ? (listLength(node, type) ?? page) : null;
    // The page argument of a list field applies to the list itself, not to the lists inside its elements.
    const each = bounded(inner.cost + inner.paged * ((isList ? null : page) ?? PAGE.usual));
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

  /** The page size that the field's arguments set for the field or the lists directly below it; `null` when it has no such argument. */
  function pageOf(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): number | null {
    let page: number | null = null;
    for (const { name, defaultValue } of field?.args ?? [])
      if (isPageArgument(name)) page = Math.max(page ?? 0, numberOf(argument(node, name), defaultValue));
    // Page sizes inside an input object, e.g. `pagination: { limit: 10 }`.
    for (const { value } of node.arguments ?? []) page = largest(page, pageWithin(value));
    return page === null ? null : page || PAGE.usual;
  }

  function pageWithin(value: ValueNode): number | null {
    let page: number | null = null;
    if (value.kind === Kind.OBJECT)
      for (const { name, value: size } of value.fields)
        page = largest(page, isPageArgument(name.value) ? numberOf(size, undefined) : pageWithin(size));
    if (value.kind === Kind.VARIABLE && variables) {
      const { given } = variable(value.name.value);
      if (typeof given === 'object' && given !== null)
        for (const [name, size] of Object.entries(given))
          if (isPageArgument(name)) page = largest(page, typeof size === 'number' ? Math.min(size, ENDLESS) : 0);
    }
    return page;
  }

  /** The length of a list that has `ids` or belongs to introspection; `null` when page arguments determine it. */
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

  /** The number that an argument has; 0 when it has none. */
  function numberOf(value: ValueNode | undefined, fallback: unknown): number {
    if (value?.kind === Kind.INT) return Math.min(Number(value.value), ENDLESS);
    if (value?.kind !== Kind.VARIABLE) return typeof fallback === 'number' ? fallback : 0;
    // In a stored query the variable is a part of the node's key, which can be any number.
    if (!variables) return ENDLESS;
    const { given, otherwise } = variable(value.name.value);
    if (given === undefined) return numberOf(otherwise, fallback);
    return typeof given === 'number' ? Math.min(given, ENDLESS) : 0;
  }

  /** The value of a variable in the request, and its default in the operation. */
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

const largest = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

const weigh = (size: OpenSize, metric: keyof Size): number => (metric === 'cost' ? size.cost + size.paged : size[metric]);

const argument = (node: FieldNode, name: string): ValueNode | undefined => node.arguments?.find((one) => one.name.value === name)?.value;

function fieldOf(parent: GraphQLNamedType | undefined, name: string): GraphQLField<unknown, unknown> | undefined {
  if (name === '__schema') return SchemaMetaFieldDef;
  if (name === '__type') return TypeMetaFieldDef;
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
}
