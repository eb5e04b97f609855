// Reads how long the lists of an operation can be, from page arguments, lists of ids, and variables.
import {
  type FieldNode,
  type GraphQLField,
  type GraphQLNamedType,
  isIntrospectionType,
  Kind,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import { PAGE } from '../store/page.js';

/** Stands for an unbounded size, and caps all computed sizes: it exceeds every limit, and a double still represents it exactly. */
export const ENDLESS = 1e15;
/**
 * Assumed lengths of the lists in introspection: of `types` (TYPES), and of others such as fields or arguments (INTROSPECTED). They are
 * constants, so that a growing schema doesn't make a query exceed its limit.
 */
const TYPES = 100;
const INTROSPECTED = 4;

export class ListLengths {
  /** @param variables the variables of the request; if absent, a page size given by a variable counts as unbounded */
  constructor(
    private readonly operation: OperationDefinitionNode,
    private readonly variables: Record<string, unknown> | undefined,
    private readonly pageArguments: readonly string[],
  ) {}

  /**
   * Returns the page size that the field's arguments set for the field or the lists directly below it; `null` when no argument sets one.
   */
  page(node: FieldNode, field: GraphQLField<unknown, unknown> | undefined): number | null {
    let page: number | null = null;
    for (const { name, defaultValue } of field?.args ?? [])
      if (this.isPageArgument(name)) page = Math.max(page ?? 0, this.numberOf(argument(node, name), defaultValue));
    // Page sizes inside an input object, e.g. `pagination: { limit: 10 }`.
    for (const { value } of node.arguments ?? []) page = largest(page, this.within(value));
    return page === null ? null : page || PAGE.usual;
  }

  /** Returns the largest page size inside an input object; `null` when it contains none. */
  private within(value: ValueNode): number | null {
    let page: number | null = null;
    if (value.kind === Kind.OBJECT)
      for (const { name, value: size } of value.fields)
        page = largest(page, this.isPageArgument(name.value) ? this.numberOf(size, undefined) : this.within(size));
    if (value.kind === Kind.VARIABLE && this.variables) {
      const { given } = this.variable(value.name.value);
      if (typeof given === 'object' && given !== null)
        for (const [name, size] of Object.entries(given))
          if (this.isPageArgument(name)) page = largest(page, typeof size === 'number' ? Math.min(size, ENDLESS) : 0);
    }
    return page;
  }

  /**
   * Returns the length of a list that has an argument `ids` or belongs to introspection; `null` when page arguments determine the length.
   */
  list(node: FieldNode, type: GraphQLNamedType | undefined): number | null {
    const ids = argument(node, 'ids');
    if (ids?.kind === Kind.LIST) return ids.values.length;
    if (ids?.kind === Kind.VARIABLE) {
      const { given, otherwise } = this.variable(ids.name.value);
      if (Array.isArray(given)) return given.length;
      return given === undefined && otherwise?.kind === Kind.LIST ? otherwise.values.length : PAGE.greatest;
    }
    if (!type || !isIntrospectionType(type)) return null;
    return node.name.value === 'types' ? TYPES : INTROSPECTED;
  }

  /** Returns the number to which an argument is set, or its default (`fallback`); 0 when there is neither. */
  private numberOf(value: ValueNode | undefined, fallback: unknown): number {
    if (value?.kind === Kind.INT) return Math.min(Number(value.value), ENDLESS);
    if (value?.kind !== Kind.VARIABLE) return typeof fallback === 'number' ? fallback : 0;
    // In a stored query, a page size given by a variable is unbounded: the value is a part of the node's key, which can be any number.
    if (!this.variables) return ENDLESS;
    const { given, otherwise } = this.variable(value.name.value);
    if (given === undefined) return this.numberOf(otherwise, fallback);
    return typeof given === 'number' ? Math.min(given, ENDLESS) : 0;
  }

  /** The value of a variable in the request, and its default in the operation. */
  private variable(name: string): { given: unknown; otherwise: ValueNode | undefined } {
    const declared = this.operation.variableDefinitions?.find((one) => one.variable.name.value === name);
    return {
      given: this.variables && Object.hasOwn(this.variables, name) ? this.variables[name] : undefined,
      otherwise: declared?.defaultValue,
    };
  }

  private isPageArgument(name: string): boolean {
    return this.pageArguments.includes(name);
  }
}

const largest = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

const argument = (node: FieldNode, name: string): ValueNode | undefined => node.arguments?.find((one) => one.name.value === name)?.value;
