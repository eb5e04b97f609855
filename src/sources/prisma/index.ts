// Exports the public functions of `hookgraph/prisma`.

export { watchedPool } from '../../runtime/connections/watched-pool.js';
export { toMarked } from '../../runtime/exact-json.mjs';
export { type AnnouncedWrite, type Announcing, announcedWrite } from './announced-write.js';
export * from './datamodel.js';
export { type Delegate, delegateName, delegateOf } from './delegate.js';
export { ExactPg } from './exact-adapter.js';
export { faultOf } from './faults.js';
export { fromPrisma, type PrismaOptions, type PrismaReader } from './from-prisma.js';
export { type GatedTransaction, type GateExtension, type GateOptions, gatePrisma, type PrismaGate } from './gate/gate-prisma.js';
export type { Writer } from './gate/pass-writes.js';
export { isSometimesUnsayable, toGraphqlValue } from './graphql-value.js';
export { isRemembered } from './overlay.js';
export type { PrismaNamespace, Row } from './prisma-types.js';
export { createQuickWrite, type Equalities, type PlannedStatement, type QuickWrite } from './quick-write.js';
export { shareConnections } from './share-connections.js';
export { rowOfSnapshot } from './snapshot-row.js';
