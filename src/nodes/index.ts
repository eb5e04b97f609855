// The domain: the list of its node types in; the schema, and what the engine is told of them, out.
import { announceNode } from '../graphql/announced-nodes.js';
import { buildSchema } from '../graphql/build-schema.js';
import type { NodeDefinition } from '../graphql/define-node.js';

export { findViewer } from './api-token.js';
export { makeSampleData } from './sample-data.js';

import { group } from './group.js';
import { organization } from './organization.js';
import { scenario } from './scenario.js';
import { scenarioSession } from './scenario-session.js';
import { user } from './user.js';

/** A further type is a line here. */
const definitions: NodeDefinition[] = [organization, user, group, scenario, scenarioSession];

export const nodes = definitions.map(announceNode);
export const schema = buildSchema(definitions);
