// The door of the package.
export { createHookgraph, type Hookgraph } from './hookgraph/create-hookgraph.js';
export type { HookgraphOptions } from './hookgraph/options.js';
export type { TableDefaults, TableOptions, Tables } from './sources/catalog/table-options.js';
export type { PoolReader } from './sources/pool-source.js';
export type { Source } from './sources/source.js';
export { type Actor, assignTenant, type EventWithoutTenant, listWithoutTenant, type Owner, recall } from './webhooks/index.js';
