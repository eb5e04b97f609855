// The domain: its node types, as list.ts has them, in; the schema, and what the engine is told of them, out.
import { announceNode } from '../graphql/announced-nodes.js';
import { buildSchema } from '../graphql/build-schema.js';
import type { NodeDefinition } from '../graphql/define-node.js';
import { addApiTokens } from './api-tokens.js';
import * as listed from './list.js';

export { type Authentication, findViewer } from './api-token.js';
export { makeSampleData } from './sample-data.js';
export { createSimulation } from './simulation.js';

const definitions: NodeDefinition[] = Object.values(listed);

export const nodes = definitions.map(announceNode);
export const schema = buildSchema(definitions, [addApiTokens]);
