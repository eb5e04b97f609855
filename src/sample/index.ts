// The domain: its node types, as list.ts has them, in; the schema, and what the engine is told of them, out.

import { addApiTokens } from './api-tokens.js';
import { announceNode } from './graph/announced-nodes.js';
import { buildSchema } from './graph/build-schema.js';
import type { NodeDefinition } from './graph/define-node.js';
import * as listed from './nodes/list.js';

export { type Authentication, findViewer } from '../auth/api-token.js';
export { makeSampleData } from './data/make-sample-data.js';
export { createSimulation } from './simulation.js';

const definitions: NodeDefinition[] = Object.values(listed);

export const nodes = definitions.map(announceNode);
export const schema = buildSchema(definitions, [addApiTokens]);
