// Nothing in, how large a query may be out: one list of limits for those that are stored and those that the API is asked.

/** What a query may be at most. Fields, depth, cost, aliases and root fields count with fragments expanded. */
export interface QueryLimits {
  /** Characters of the source. */
  length: number;
  tokens: number;
  /** Brackets within brackets, of any kind. */
  nesting: number;
  /** Characters of one name, number or string in it. */
  literal: number;
  /** Values of one list in it. */
  list: number;
  directives: number;
  aliases: number;
  /** Pairs of selections of the same field in the same place. */
  repeats: number;
  rootFields: number;
  /** Fragments that it defines. */
  fragments: number;
  fields: number;
  /** Levels of fields. */
  depth: number;
  /** Fields that the answer may hold: each one times the sizes of the pages and lists above it. */
  cost: number;
  /** The same of what it asks about the schema; 0: `__schema` and `__type` are refused. */
  introspection: number;
}

/** What an installation configures; the rest is the same everywhere. */
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

/** Larger than those of a stored query: its author waits for the answer, and large texts of a mutation may be literals. */
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
