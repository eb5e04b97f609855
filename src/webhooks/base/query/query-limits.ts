// Declares the limits of GraphQL queries: of stored queries and of requests to the API.

/** The maximum size of a query. Fields, depth, cost, aliases and root fields are counted with fragments expanded. */
export interface QueryLimits {
  /** Maximum number of characters of the source text. */
  length: number;
  tokens: number;
  /** Maximum number of nested brackets of any kind. */
  nesting: number;
  /** Maximum number of characters of one name, number or string. */
  literal: number;
  /** Maximum number of values in one list literal. */
  list: number;
  directives: number;
  aliases: number;
  /** Maximum number of pairs of selections with the same response key at the same level. Validation compares each pair. */
  repeats: number;
  rootFields: number;
  /** Maximum number of fragment definitions. */
  fragments: number;
  fields: number;
  /** Maximum depth: the number of fields nested inside each other. */
  depth: number;
  /** Maximum number of fields in the response: each field counts once per item of the pages and lists above it. */
  cost: number;
  /** Maximum cost of the introspection fields; 0 forbids `__schema` and `__type`. */
  introspection: number;
}

/** The limits that an installation can configure. */
export type ConfiguredLimits = Pick<QueryLimits, 'fields' | 'depth' | 'cost'>;

const STORED: Omit<QueryLimits, keyof ConfiguredLimits> = {
  length: 32_768,
  tokens: 5_000,
  nesting: 50,
  literal: 4_096,
  list: 100,
  directives: 50,
  aliases: 100,
  repeats: 2_000,
  rootFields: 20,
  fragments: 100,
  introspection: 0,
};

/**
 * Limits of requests to the API. They are larger than those of stored queries, because a client waits for the response, and
 * mutations may contain long texts as literals.
 */
const REQUESTED: Omit<QueryLimits, 'cost'> = {
  length: 1_048_576,
  tokens: 10_000,
  nesting: 100,
  literal: 1_048_576,
  list: 1_000,
  directives: 200,
  aliases: 500,
  repeats: 5_000,
  rootFields: 100,
  fragments: 200,
  fields: 3_000,
  depth: 20,
  introspection: 300_000,
};

export const storedLimits = (configured: ConfiguredLimits): QueryLimits => ({ ...STORED, ...configured });
export const requestLimits = (cost: number): QueryLimits => ({ ...REQUESTED, cost });
