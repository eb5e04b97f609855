// The domain: the list of its node types in; the schema, and what the engine is told of them, out.
import { announceNode } from '../graphql/announced-nodes.js';
import { buildSchema } from '../graphql/build-schema.js';
import type { NodeDefinition } from '../graphql/define-node.js';

export { findViewer } from './api-token.js';
export { makeSampleData } from './sample-data.js';
export { createSimulation } from './simulation.js';

import { attachment } from './attachment.js';
import { call } from './call.js';
import { callRecording } from './call-recording.js';
import { environment } from './environment.js';
import { group } from './group.js';
import { integration } from './integration.js';
import { organization } from './organization.js';
import { scenario } from './scenario.js';
import { scenarioRelease } from './scenario-release.js';
import { scenarioSession } from './scenario-session.js';
import { scenarioSessionCheckbox } from './scenario-session-checkbox.js';
import { scenarioSessionEvent } from './scenario-session-event.js';
import { scenarioSessionPart } from './scenario-session-part.js';
import { scenarioSessionStep } from './scenario-session-step.js';
import { scenarioStep } from './scenario-step.js';
import { user } from './user.js';

/** A further type is a line here. */
const definitions: NodeDefinition[] = [
  organization,
  user,
  group,
  environment,
  integration,
  scenario,
  scenarioRelease,
  scenarioStep,
  scenarioSession,
  scenarioSessionPart,
  scenarioSessionStep,
  scenarioSessionEvent,
  scenarioSessionCheckbox,
  attachment,
  call,
  callRecording,
];

export const nodes = definitions.map(announceNode);
export const schema = buildSchema(definitions);
