// Exports the package's public API.

export { DATE_TIME, JSON_VALUE, literalToJson, TAKES_DIGITS } from './graphql/scalars.js';
export { createHookgraph, type Hookgraph } from './hookgraph/create-hookgraph.js';
export { DEFAULT_IDS, type GlobalIds, type HookgraphOptions } from './hookgraph/options.js';
export { connectionOptions } from './runtime/database-url/connection-options.js';
export { ExactNumber, parseJson, stringifyJson } from './runtime/exact-json.mjs';
export type { Logger } from './runtime/logger.js';
export { isoOf, millisecondsOf } from './runtime/postgres-times.js';
export type { TableDefaults, TableOptions, Tables, When } from './sources/catalog/table-options.js';
export type { PoolReader } from './sources/pool-source.js';
export type { Source } from './sources/source.js';
export {
  type Actor,
  assignTenant,
  type EventWithoutTenant,
  type Json,
  listWithoutTenant,
  type Owner,
  type Refusal,
  recall,
  type Snapshot,
  WriteRefused,
} from './webhooks/index.js';
