// Measures how much an operation selects, and where it selects most. Each fragment is measured only once.
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
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
} from 'graphql';
import { PAGE } from '../store/page.js';
import { ENDLESS, ListLengths } from './list-lengths.js';

/** The size of a selection, with fragments expanded. */
export interface Size {
  fields: number;
  /** Number of fields directly in the selection set, not below other fields. */
  width: number;
  depth: number;
  aliases: number;
  /** Maximum number of fields in the response: each field counts once per item of the pages and lists above it. */
  cost: number;
  /** The cost of `__schema` and `__type`. */
  introspection: number;
}

/**
 * `paged`: the cost of the lists whose length is not known yet, as if each had one element. A page argument of an enclosing field sets
 * their length, e.g. `first` of a connection for its list `nodes`.
 */
interface OpenSize extends Size {
  paged: number;
}

export interface Measured extends Size {
  /**
   * Returns the selection to report for an exceeded limit: the innermost selection whose own size exceeds the limit, otherwise the largest
   * root field.
   */
  worst(metric: keyof Size, limit: number): SelectionNode | OperationDefinitionNode;
  /** Fragment spreads that lead back to their own fragment. Their size counts as 0. */
  cycles: { spread: SelectionNode; message: string }[];
  /** The names of the fragments that the operation spreads, directly or through other fragments. */
  spread: ReadonlySet<string>;
}

const NOTHING: OpenSize = { fields: 0, width: 0, depth: 0, aliases: 0, cost: 0, introspection: 0, paged: 0 };

/** The names of arguments that set the size of a page, unless the host configures other names. */
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
  const measuring = new Measuring(schema, fragments, new ListLengths(operation, variables, pageArguments));
  const { paged, ...size } = measuring.set(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined);
  return {
    ...size,
    cost: bounded(size.cost + paged * PAGE.usual),
    worst: (metric, limit) => worstOf(measuring, operation, metric, limit),
    cycles: measuring.cycles,
    spread: new Set(measuring.ofFragments.keys()),
  };
}

/** Sums up the sizes of an operation's selections, and keeps the size of each, so that `worstOf` can find the selection to report. */
class Measuring {
  readonly sizes = new Map<SelectionNode, OpenSize>();
  readonly ofFragments = new Map<string, OpenSize>();
  readonly cycles: Measured['cycles'] = [];
  /** The fragments that are being measured, outermost first. */
  private readonly path: string[] = [];

  constructor(
    private readonly schema: GraphQLSchema,
    readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    private readonly lengths: ListLengths,
  ) {}

  set(set: SelectionSetNode, parent: GraphQLNamedType | undefined): OpenSize {
    const sum = { ...NOTHING };
    for (const selection of set.selections) {
      const own = this.selection(selection, parent);
      this.sizes.set(selection, own);
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

  private selection(selection: SelectionNode, parent: GraphQLNamedType | undefined): OpenSize {
    if (selection.kind === Kind.FIELD) return this.field(selection, fieldOf(parent, selection.name.value));
    if (selection.kind === Kind.INLINE_FRAGMENT)
      return this.set(selection.selectionSet, selection.typeCondition ? this.schema.getType(selection.typeCondition.name.value) : parent);
    return this.fragment(selection);
  }

  /** Measures a fragment once, however often it is spread. */
  private fragment(spread: FragmentSpreadNode): OpenSize {
    const name = spread.name.value;
    const fragment = this.fragments.get(name);
    const known = this.ofFragments.get(name);
    if (known || !fragment) return known ?? NOTHING;
    if (this.path.includes(name)) {
      const via = this.path.slice(this.path.indexOf(name) + 1).map((one) => `"${one}"`);
      const message = `Cannot spread fragment "${name}" within itself${via.length > 0 ? ` via ${via.slice(0, 5).join(', ')}` : ''}`;
      this.cycles.push({ spread, message });
      return NOTHING;
    }
    this.path.push(name);
    const size = this.set(fragment.selectionSet, this.schema.getType(fragment.typeCondition.name.value));
    this.path.pop();
    this.ofFragments.set(name, size);
    return size;
  }

  private field(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): OpenSize {
    const type = field && getNamedType(field.type);
    const inner = node.selectionSet ? this.set(node.selectionSet, type) : NOTHING;
    const isList = field !== undefined && isListType(getNullableType(field.type));
    const about = type && isIntrospectionType(type) && node.name.value.startsWith('__');
    const page = this.lengths.page(node, field);
    const length = isList ? (this.lengths.list(node, type) ?? page) : null;
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
}

function worstOf(
  { sizes, fragments }: Measuring,
  operation: OperationDefinitionNode,
  metric: keyof Size,
  limit: number,
): SelectionNode | OperationDefinitionNode {
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

const bounded = (size: number): number => Math.min(size, ENDLESS);

const weigh = (size: OpenSize, metric: keyof Size): number => (metric === 'cost' ? size.cost + size.paged : size[metric]);

function fieldOf(parent: GraphQLNamedType | undefined, name: string): GraphQLField<unknown, unknown> | undefined {
  if (name === '__schema') return SchemaMetaFieldDef;
  if (name === '__type') return TypeMetaFieldDef;
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
}
