// Declares the limits of GraphQL queries: of stored queries and of requests to the API.

/** The maximum size of a query. Fields, depth, cost, aliases and root fields are counted with fragments expanded. */
export interface QueryLimits {
  /** Characters of the source text. */
  length: number;
  tokens: number;
  /** Levels of nested brackets of any kind. */
  nesting: number;
  /** Characters of one name, number or string. */
  literal: number;
  /** Values in one list literal. */
  list: number;
  directives: number;
  aliases: number;
  /** Pairs of selections with the same response key at the same level, all of which validation compares. */
  repeats: number;
  rootFields: number;
  /** Fragment definitions. */
  fragments: number;
  fields: number;
  /** Levels of fields. */
  depth: number;
  /** Fields that the response may contain: each field times the page and list sizes above it. */
  cost: number;
  /** Cost of the introspection fields; 0 forbids `__schema` and `__type`. */
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
